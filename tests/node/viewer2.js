// A Node program that shows a hub's logs with socket.io-client, as a version 2 viewer.
//
//   node viewer2.js URL [--transports websocket,polling] [--token T] [--query Q] [--from tail|ring]
//
// Prints one JSON object a line: {"event":"connect",…}, {"event":"disconnect","reason":…},
// {"event":"connect_error","message":…}, and {"event":NAME,"data":PAYLOAD} for everything the hub sends. It subscribes
// once it has been greeted, prints {"event":"subscribed","data":ANSWER}, and acknowledges every batch.
//
// Commands on stdin: `resume` connects anew and asks to go on after the last number that came; `call NAME JSON` asks
// and prints {"event":"answer","data":ANSWER}; `quit` disconnects, as do SIGTERM and the end of stdin.
'use strict';

const { parseArgs } = require('node:util');

const { io } = require('socket.io-client');

const { readCommands } = require('./lines');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    transports: { type: 'string', default: 'websocket' },
    token: { type: 'string' },
    query: { type: 'string', default: '' },
    from: { type: 'string', default: 'tail' },
  },
});
if (positionals.length !== 1) {
  process.stderr.write('one URL is needed: node viewer2.js http://127.0.0.1:5647\n');
  process.exit(2);
}

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

const auth = { proto: 2 };
if (options.token) auth.token = options.token;
let reached;

const socket = io(positionals[0], { transports: options.transports.split(','), auth: (give) => give(auth) });
socket.on('connect', () => say({ event: 'connect', transport: socket.io.engine.transport.name }));
socket.on('disconnect', (reason) => say({ event: 'disconnect', reason }));
socket.on('connect_error', (error) => say({ event: 'connect_error', message: error.message }));
socket.onAny((event, data) => say({ event, data }));
socket.on('hello', () => {
  if (auth.resume) return;
  socket.emit('subscribe', { query: options.query, from: options.from }, (data) => say({ event: 'subscribed', data }));
});
socket.on('logBatch', (batch, acknowledge) => {
  reached = { epoch: batch.epoch, seq: batch.last };
  acknowledge();
});

readCommands({
  resume() {
    auth.resume = reached;
    socket.disconnect().connect();
  },
  call(rest) {
    const [, name, payload] = /^(\S+)\s*(.*)$/.exec(rest);
    socket.emit(name, payload ? JSON.parse(payload) : null, (data) => say({ event: 'answer', data }));
  },
  quit() {
    socket.disconnect();
    process.exit(0);
  },
});
