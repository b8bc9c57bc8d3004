<?php
// listen.php - server-sent events as shared hosting does them: a process a listener, blocked on Redis.
header('Content-Type: text/event-stream');
header('Cache-Control: no-store');
header('X-Accel-Buffering: no');
$redis = new Redis();
$redis->connect($_SERVER['REDIS_SOCKET']);
$redis->setOption(Redis::OPT_READ_TIMEOUT, 15);
echo ": hello\n\n";
flush();
for (;;) {
    try {
        $redis->subscribe([$_GET['room']], function ($redis, $channel, $message) {
            echo "data: $message\n\n";
            flush();
        });
    } catch (RedisException) { // nothing for 15 s: a heartbeat, by which a client that left is noticed
        echo ":\n\n";
        flush();
        $redis->close();
        $redis->connect($_SERVER['REDIS_SOCKET']);
    }
}
