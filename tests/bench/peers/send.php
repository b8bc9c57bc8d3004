<?php
// send.php - publishes the body; the connection to Redis is kept from request to request.
$redis = new Redis();
$redis->pconnect($_SERVER['REDIS_SOCKET']);
$redis->publish($_GET['room'], file_get_contents('php://input'));
header('Content-Length: 0');
