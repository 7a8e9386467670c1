// A Node program that shows a server's logs with socket.io-client: what a web page or a small tool would do.
//
//   node viewer.js URL [--path /socket.io] [--transports websocket,polling] [--token T] [--origin O] [--no-request]
//
// Prints one JSON object a line: {"event":"connect",…}, {"event":"disconnect","reason":…},
// {"event":"connect_error","message":…}, and {"event":NAME,"data":PAYLOAD} for everything the server sends.
// It sends `requestLogs` whenever it connects, unless told --no-request.
//
// Commands on stdin: `request` sends `requestLogs` again; `quit` disconnects, as do SIGTERM and the end of stdin.
'use strict';

const { parseArgs } = require('node:util');

const { io } = require('socket.io-client');

const { readCommands } = require('./lines');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: 'string', default: '/socket.io' },
    transports: { type: 'string', default: 'websocket' },
    token: { type: 'string' },
    origin: { type: 'string' },
    'no-request': { type: 'boolean', default: false },
  },
});
if (positionals.length !== 1) {
  process.stderr.write('one URL is needed: node viewer.js http://127.0.0.1:5647\n');
  process.exit(2);
}

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

const socket = io(positionals[0], {
  path: options.path,
  transports: options.transports.split(','),
  auth: options.token ? { token: options.token } : {},
  extraHeaders: options.origin ? { Origin: options.origin } : {},
});
socket.on('connect', () => {
  say({ event: 'connect', id: socket.id, transport: socket.io.engine.transport.name });
  if (!options['no-request']) socket.emit('requestLogs');
});
socket.on('disconnect', (reason) => say({ event: 'disconnect', reason }));
socket.on('connect_error', (error) => say({ event: 'connect_error', message: error.message }));
socket.onAny((event, data) => say({ event, data }));

readCommands({
  request() {
    socket.emit('requestLogs');
  },
  quit() {
    socket.disconnect();
    process.exit(0);
  },
});
