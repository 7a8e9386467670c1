// A Node server that was never written for Desktop Logs: winston, daily rotated files, and a transport that broadcasts.
//
//   node winston-server.js [--port 0] [--path /llamaproxws] [--keep FILE] [--logs FOLDER] [--oldest-first]
//
// It listens on 127.0.0.1, prints `listening PORT`, takes WebSocket only, keeps the last 500 entries newest first,
// sends each new one as `log`, and answers `requestLogs` with `logs`.
//
//   --keep FILE      the entries survive a restart, so that a viewer which reconnects is told what it already has
//   --logs FOLDER    where winston-daily-rotate-file writes; a temporary folder otherwise, removed at the end
//   --oldest-first   `logs` in the other order, as some servers send it
//
// Commands on stdin, each answered by `done COMMAND` once its entries were handed to Socket.IO:
//
//   log LEVEL MESSAGE    one entry; LEVEL is one of winston's npm levels
//   burst N MESSAGE      N entries of level info, `MESSAGE 1` to `MESSAGE N`
//   pace RATE N MESSAGE  the same, RATE a second, each with the monotonic clock's microseconds in `context.at_us`
//   noise                other events, which a viewer of logs must leave alone
//   odd                  `log` events as careless servers send them; see oddPayloads
//   drop                 cuts every connection, as a proxy that restarts does; clients come back by themselves
//   quit                 stops; so do SIGTERM and the end of stdin
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { Server } = require('socket.io');
const winston = require('winston');
const DailyRotateFile = require('winston-daily-rotate-file');
const Transport = require('winston-transport');

const { readCommands } = require('./lines');

const KEPT_ENTRIES = 500;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    path: { type: 'string', default: '/llamaproxws' },
    keep: { type: 'string' },
    logs: { type: 'string' },
    'oldest-first': { type: 'boolean', default: false },
  },
});

function newId() {
  return `${Date.now()}-${Math.random().toString(36).slice(2, 11)}`;
}

/** Keeps the newest entries and hands each to `broadcast`: what such servers have in place of a log store. */
class BroadcastTransport extends Transport {
  constructor(broadcast, keepFile) {
    super();
    this.broadcast = broadcast;
    this.keepFile = keepFile;
    this.newestFirst = [];
    if (keepFile && fs.existsSync(keepFile)) {
      const lines = fs.readFileSync(keepFile, 'utf8').split('\n').filter(Boolean);
      this.newestFirst = lines.slice(-KEPT_ENTRIES).reverse().map((line) => JSON.parse(line));
    }
  }

  log(info, callback) {
    const { level, message, timestamp, ...context } = info;
    this.take({ id: newId(), level, message, timestamp, context });
    callback();
  }

  take(entry) {
    this.newestFirst.unshift(entry);
    this.newestFirst.length = Math.min(this.newestFirst.length, KEPT_ENTRIES);
    if (this.keepFile) fs.appendFileSync(this.keepFile, `${JSON.stringify(entry)}\n`);
    this.broadcast({ type: 'log', data: entry, timestamp: Date.now() });
  }
}

/** Payloads of `log` that are not what the protocol says, and are sent all the same. */
function oddPayloads() {
  const now = () => new Date().toISOString();
  const envelope = (data) => ({ type: 'log', data, timestamp: Date.now() });
  return [
    { id: newId(), level: 'info', message: 'odd: no envelope', timestamp: now() },
    envelope({ id: newId(), level: 'info', message: { message: 'odd: message is an object', code: 7 }, timestamp: now() }),
    envelope({ id: newId(), level: 'error', message: { error: 'odd: object with an error' }, timestamp: now() }),
    envelope({ level: 'warn', message: 'odd: no id, no context', timestamp: now() }),
    envelope({ id: newId(), level: 'verbose', message: 'odd: verbose', timestamp: now(), context: {} }),
    envelope({ id: newId(), level: 'llama', message: 'odd: unknown level', timestamp: now(), context: null }),
    envelope({ id: newId(), level: 'info', message: 'odd: number for a time', timestamp: Date.now() }),
    envelope({ id: newId(), level: 'info', message: 'odd: no time' }),
    'odd: a bare string',
  ];
}

const httpServer = http.createServer((_request, response) => {
  response.writeHead(404).end('not here\n');
});
const io = new Server(httpServer, { path: options.path, transports: ['websocket'], cors: { origin: '*' } });

const temporaryLogs = options.logs ? null : fs.mkdtempSync(path.join(os.tmpdir(), 'winston-server-'));
const broadcasting = new BroadcastTransport((payload) => io.emit('log', payload), options.keep);
const logger = winston.createLogger({
  level: 'silly',
  format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
  defaultMeta: { source: 'winston-server', pid: process.pid },
  transports: [
    broadcasting,
    new DailyRotateFile({
      dirname: options.logs ?? temporaryLogs,
      filename: 'application-%DATE%.log',
      datePattern: 'YYYY-MM-DD',
      maxSize: '20m',
      maxFiles: '30d',
    }),
  ],
});

io.on('connection', (socket) => {
  socket.on('requestLogs', () => {
    const data = options['oldest-first'] ? [...broadcasting.newestFirst].reverse() : broadcasting.newestFirst;
    socket.emit('logs', { type: 'logs', data, timestamp: Date.now() });
  });
});

function done(command) {
  process.stdout.write(`done ${command}\n`);
}

readCommands({
  log(rest) {
    const [, level, message] = /^(\S+)\s*(.*)$/.exec(rest);
    logger.log(level, message);
    done('log');
  },
  async burst(rest) {
    const [, count, message] = /^(\d+)\s*(.*)$/.exec(rest);
    for (let n = 1; n <= Number(count); n += 1) {
      // winston's stream drops nothing but buffers without end, so wait when it asks to.
      logger.log({ level: 'info', message: `${message} ${n}`, n });
      if (logger.writableNeedDrain) {
        await new Promise((resolve) => { logger.once('drain', resolve); });
      }
    }
    done('burst');
  },
  async pace(rest) {
    const [, rate, count, message] = /^(\d+)\s+(\d+)\s*(.*)$/.exec(rest);
    const nowUs = () => Number(process.hrtime.bigint() / 1000n);
    const beganUs = nowUs();
    for (let n = 1; n <= Number(count);) {
      const due = Math.min(Number(count), Math.floor(((nowUs() - beganUs) / 1e6) * Number(rate)));
      for (; n <= due; n += 1) logger.log({ level: 'info', message: `${message} ${n}`, n, at_us: nowUs() });
      await new Promise((resolve) => { setTimeout(resolve, 1); });
    }
    done('pace');
  },
  noise() {
    io.emit('message', 'not a log');
    io.emit('metrics', { type: 'metrics', data: { tokens: 12 }, timestamp: Date.now() });
    io.emit('models', []);
    io.emit('log:stats', null);
    done('noise');
  },
  odd() {
    for (const payload of oddPayloads()) io.emit('log', payload);
    done('odd');
  },
  drop() {
    for (const socket of io.sockets.sockets.values()) socket.conn.close();
    done('drop');
  },
  async quit() {
    await new Promise((resolve) => { io.close(resolve); });
    await new Promise((resolve) => { logger.on('finish', resolve).end(); });
    if (temporaryLogs) fs.rmSync(temporaryLogs, { recursive: true, force: true });
    process.exit(0);
  },
});

httpServer.listen(Number(options.port), '127.0.0.1', () => {
  process.stdout.write(`listening ${httpServer.address().port}\n`);
});
