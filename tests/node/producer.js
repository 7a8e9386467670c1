// A Node program that sends its logs to a hub with socket.io-client.
//
//   node producer.js URL [--path /socket.io] [--transports websocket,polling] [--token T] [--origin O]
//
// Prints one JSON object a line: {"event":"connect",…}, {"event":"disconnect","reason":…},
// {"event":"connect_error","message":…}, {"ack":…} for each acknowledgement, {"done":COMMAND} for each command.
//
// Commands on stdin; JSON is an entry, the envelope {"type":"log","data":…}, a list for `logs`, or a string:
//
//   log JSON       emits `log` and asks for no acknowledgement
//   log-ack JSON   the same, and waits for the acknowledgement
//   logs JSON      emits `logs`
//   logs-ack JSON  the same, and waits for the acknowledgement
//   burst N TEXT   N `log` events with entries `TEXT 1` to `TEXT N`
//   quit           disconnects once all is sent; so do SIGTERM and the end of stdin
'use strict';

const { parseArgs } = require('node:util');

const { io } = require('socket.io-client');

const { readCommands } = require('./lines');

const ACK_TIMEOUT_MS = 20_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: 'string', default: '/socket.io' },
    transports: { type: 'string', default: 'websocket' },
    token: { type: 'string' },
    origin: { type: 'string' },
  },
});
if (positionals.length !== 1) {
  process.stderr.write('one URL is needed: node producer.js http://127.0.0.1:5647\n');
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
socket.on('connect', () => say({ event: 'connect', id: socket.id, transport: socket.io.engine.transport.name }));
socket.on('disconnect', (reason) => say({ event: 'disconnect', reason }));
socket.on('connect_error', (error) => say({ event: 'connect_error', message: error.message }));

function emit(event, rest) {
  socket.emit(event, JSON.parse(rest));
  say({ done: event });
}

async function emitWithAck(event, rest) {
  try {
    say({ ack: await socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, JSON.parse(rest)) });
  } catch (error) {
    say({ ack: null, error: error.message });
  }
  say({ done: `${event}-ack` });
}

readCommands({
  log: (rest) => emit('log', rest),
  logs: (rest) => emit('logs', rest),
  'log-ack': (rest) => emitWithAck('log', rest),
  'logs-ack': (rest) => emitWithAck('logs', rest),
  burst(rest) {
    const [, count, text] = /^(\d+)\s*(.*)$/.exec(rest);
    for (let n = 1; n <= Number(count); n += 1) {
      const entry = { level: 'info', message: `${text} ${n}`, timestamp: new Date().toISOString(), context: { source: 'producer', n } };
      socket.emit('log', entry);
    }
    say({ done: 'burst' });
  },
  quit() {
    if (!socket.connected) process.exit(0);
    // The engine sends what is buffered before it closes; Socket.IO tells of its own end sooner.
    socket.io.engine.on('close', () => process.exit(0));
    socket.disconnect();
  },
});
