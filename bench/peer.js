// The bare peer: socket.io and better-sqlite3, every commit synced to disk, no rule and no login.
//
// node peer.js PORT DATABASE message|turn
//
// `message` commits each message by itself; `turn` commits what one turn of the event loop has
// read, so that messages that arrive together share one sync. Both answer after the COMMIT.
"use strict";

const { createServer } = require("node:http");
const Database = require("better-sqlite3");
const { Server } = require("socket.io");

const [port, file, commit] = process.argv.slice(2);
const PAGE_SIZE = 50;

const database = new Database(file);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec(`
  CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, conversation TEXT NOT NULL, sender TEXT NOT NULL,
    text TEXT NOT NULL, client_id TEXT NOT NULL, sent_at TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS message_page ON message (conversation, id);
`);
const insert = database.prepare(
  "INSERT INTO message (conversation, sender, text, client_id, sent_at) VALUES (?, ?, ?, ?, ?)",
);
const newest = database.prepare(
  "SELECT id, sender, text, client_id, sent_at FROM message" +
    " WHERE conversation = ? AND id < ? ORDER BY id DESC LIMIT ?",
);

const conversationOf = (one, other) => (one < other ? `${one} ${other}` : `${other} ${one}`);

function write({ sender, to, text, client_id }) {
  const sent_at = new Date().toISOString();
  const conversation = conversationOf(sender, to);
  const { lastInsertRowid } = insert.run(conversation, sender, text, client_id, sent_at);
  return { id: lastInsertRowid, sender, to, text, client_id, sent_at };
}

const writeAll = database.transaction((drafts) => drafts.map(write));

function page(request, response) {
  const { searchParams } = new URL(request.url, "http://peer");
  const before = Number(searchParams.get("before") ?? Number.MAX_SAFE_INTEGER);
  const conversation = conversationOf(searchParams.get("me"), searchParams.get("with"));
  const messages = newest.all(conversation, before, PAGE_SIZE).reverse();
  const body = Buffer.from(JSON.stringify({ messages }));
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length });
  response.end(body);
}

const http = createServer(page);
const io = new Server(http, { serveClient: false, transports: ["websocket"] });

function tell(message, acknowledge) {
  acknowledge(message);
  io.to(message.to).emit("message", message);
}

let waiting = [];

function commitTurn() {
  const turn = waiting;
  waiting = [];
  const messages = writeAll(turn.map(({ draft }) => draft));
  messages.forEach((message, i) => tell(message, turn[i].acknowledge));
}

function send(draft, acknowledge) {
  if (commit === "message") return tell(write(draft), acknowledge);
  if (waiting.push({ draft, acknowledge }) === 1) setImmediate(commitTurn);
}

io.on("connection", (socket) => {
  const sender = socket.handshake.auth.name;
  socket.join(sender);
  socket.on("send", (draft, acknowledge) => send({ ...draft, sender }, acknowledge));
});

process.on("SIGTERM", () => {
  database.close();
  process.exit(0);
});
http.listen(Number(port), "127.0.0.1");
