// Node's own socket.io at the receiving end: counts `log` events, and does nothing else with them.
//
//   node receiver.js COUNT                            a server on a free port; prints {"listening":PORT}
//   node receiver.js COUNT URL [--path /llamaproxws]  a viewer of that server; prints {"connected":true}
//
// Prints {"received":COUNT,"at_s":…} with the monotonic clock's seconds as soon as so many have come.
'use strict';

const http = require('node:http');
const { parseArgs } = require('node:util');

const { Server } = require('socket.io');
const { io } = require('socket.io-client');

const { readCommands } = require('./lines');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { path: { type: 'string', default: '/socket.io' } },
});
const [wanted, url] = [Number(positionals[0]), positionals[1]];
let received = 0;

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

function count() {
  received += 1;
  if (received === wanted) say({ received, at_s: Number(process.hrtime.bigint()) / 1e9 });
}

if (url) {
  const socket = io(url, { path: options.path, transports: ['websocket'] });
  socket.on('connect', () => say({ connected: true }));
  socket.on('log', count);
} else {
  const httpServer = http.createServer();
  new Server(httpServer, { path: options.path }).on('connection', (socket) => socket.on('log', count));
  httpServer.listen(0, '127.0.0.1', () => say({ listening: httpServer.address().port }));
}

readCommands({ quit: () => process.exit(0) });
