// socketio.cjs - Socket.IO with its Redis adapter, set up as its page "Performance tuning" advises:
// ws with its native add-ons, no compression, the request of the handshake let go. One of these for
// each core; clients go to them in turn, which no balancer could do cheaper or more evenly.
// usage: node socketio.cjs PORT REDIS-SOCKET
const { createServer } = require('http');
const { Server } = require('socket.io');
const { createAdapter } = require('@socket.io/redis-adapter');
const { createClient } = require('redis');

const [, , port, path] = process.argv;

async function main() {
    const publisher = createClient({ socket: { path } });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    const server = createServer();
    const io = new Server(server, {
        adapter: createAdapter(publisher, subscriber),
        serveClient: false,
        perMessageDeflate: false,
        httpCompression: false,
    });
    io.on('connection', (socket) => {
        socket.join(socket.handshake.query.room);
        socket.conn.request = socket.client.request = null;
        socket.on('send', (room, text, acknowledge) => {
            io.to(room).emit('message', text);
            acknowledge();
        });
    });
    server.listen(Number(port), '127.0.0.1', 4096);
}

main();
