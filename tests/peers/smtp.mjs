// A real mail server: plain, STARTTLS and TLS from the first byte, under a certificate authority of its own.
//
//   node smtp.mjs '{"auth":{"user":…,"pass":…},"spool":"/a/file"}' [--attached]
//
// With a spool, what was taken is on disk before the client hears so, and there again after a restart.
//
// Control, at the address in the ready line:
//   GET    /messages   what was taken, parsed; with `?count=2`, once there are two or 30 seconds have passed; with
//                      `&to=ann@school.example`, of that recipient alone
//   DELETE /messages   forget them
//   GET    /facts      the ready line again
//   PUT    /failures   {"recipients":{"ann@school.example":451},"refuse":true,"cut":true}
//     recipients  answer RCPT TO for that address (in lower case) with the code
//     refuse      stop listening: connections are refused
//     cut         take the message, then drop the connection before saying so
import { EventEmitter, once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { simpleParser } from "mailparser";
import { generate } from "selfsigned";
import { SMTPServer } from "smtp-server";
import { controlServer, endWithParent, listen, options, ready } from "./peer.mjs";

endWithParent();
const settings = options({ auth: null, spool: null, ports: { plain: 0, starttls: 0, tls: 0, control: 0 } });
const messages = settings.spool && existsSync(settings.spool) ? spooled(readFileSync(settings.spool, "utf8")) : [];
const spool = settings.spool ? await open(settings.spool, "a") : null;
/** The same, by recipient. */
const byRecipient = new Map();
for (const message of messages) sort(message);
const arrivals = new EventEmitter();
arrivals.setMaxListeners(0);
let failures = {};

const ca = await generate([{ name: "commonName", value: "Mail peer's authority" }], {
  keyType: "ec",
  algorithm: "sha256",
  extensions: [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
  ],
});
const leaf = await generate([{ name: "commonName", value: "localhost" }], {
  keyType: "ec",
  algorithm: "sha256",
  ca: { key: ca.private, cert: ca.cert },
  extensions: [
    { name: "basicConstraints", cA: false },
    { name: "keyUsage", digitalSignature: true, critical: true },
    { name: "extKeyUsage", serverAuth: true },
    { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }, { type: 7, ip: "127.0.0.1" }] },
  ],
});

/** The messages of a spool; what a kill cut short was never answered for. */
function spooled(text) {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** An error that the server says with this code. */
const refusal = (responseCode, text) => Object.assign(new Error(text), { responseCode });

async function take(stream, session, kind) {
  const mail = await simpleParser(stream);
  const message = {
    at: Date.now(),
    connection: kind,
    secure: session.secure,
    user: session.user || null,
    envelope: {
      from: session.envelope.mailFrom ? session.envelope.mailFrom.address : null,
      to: session.envelope.rcptTo.map((r) => r.address),
    },
    from: mail.from?.text ?? null,
    to: mail.to?.text ?? null,
    subject: mail.subject ?? null,
    text: mail.text ?? null,
    html: mail.html || null,
    messageId: mail.messageId ?? null,
    headers: Object.fromEntries(mail.headerLines.map(({ key, line }) => [key, line.slice(key.length + 1).trim()])),
  };
  if (spool) {
    await spool.appendFile(`${JSON.stringify(message)}\n`);
    await spool.datasync();
  }
  messages.push(message);
  sort(message);
  arrivals.emit("message");
}

/** Lays a message by its recipients. */
function sort(message) {
  for (const to of message.envelope.to) byRecipient.set(to, [...(byRecipient.get(to) ?? []), message]);
}

/** Waits until there are so many messages, in all or for one recipient, or too long. */
async function messagesOnce(count, to) {
  const late = AbortSignal.timeout(30_000);
  const found = () => (to ? (byRecipient.get(to) ?? []) : messages);
  while (found().length < count && !late.aborted) {
    await once(arrivals, "message", { signal: late }).catch(() => {});
  }
  return found();
}

function serverOf(kind, extra) {
  const smtp = new SMTPServer({
    key: leaf.private,
    cert: leaf.cert,
    authOptional: !settings.auth,
    authMethods: ["PLAIN", "LOGIN"],
    hideSTARTTLS: kind !== "starttls",
    disabledCommands: settings.auth ? [] : ["AUTH"],
    allowInsecureAuth: kind === "plain",
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onAuth({ username, password }, _session, done) {
      const good = username === settings.auth?.user && password === settings.auth?.pass;
      done(good ? null : refusal(535, "Authentication credentials invalid"), good ? { user: username } : undefined);
    },
    onRcptTo({ address }, _session, done) {
      const code = failures.recipients?.[address.toLowerCase()];
      done(code ? refusal(code, "As the test asked") : null);
    },
    onData(stream, session, done) {
      take(stream, session, kind).then(() => {
        if (failures.cut) cut(smtp);
        else done(null, "Taken");
      }, done);
    },
    ...extra,
  });
  // A client that drops the connection is a client's matter: the test sees it there.
  smtp.on("error", (error) => console.error(`${kind}: ${error.message}`));
  return smtp;
}

function cut(smtp) {
  for (const connection of smtp.connections) connection._socket.destroy();
}

const servers = {
  plain: serverOf("plain", { secure: false }),
  starttls: serverOf("starttls", { secure: false }),
  tls: serverOf("tls", { secure: true }),
};
const ports = {};
for (const [kind, smtp] of Object.entries(servers)) {
  ports[kind] = await listen(smtp.server, settings.ports[kind] ?? 0);
}

/** Stops or resumes listening, on the same ports. */
async function refuse(yes) {
  for (const [kind, { server }] of Object.entries(servers)) {
    if (yes && server.listening) {
      cut(servers[kind]);
      await new Promise((done) => server.close(done));
    } else if (!yes && !server.listening) {
      await listen(server, ports[kind]);
    }
  }
}

const facts = { host: "localhost", ...ports, ca: ca.cert };
facts.control = await controlServer(
  {
    "GET /facts": () => facts,
    "GET /messages": (_body, query) => messagesOnce(Number(query.get("count") ?? 0), query.get("to")),
    "DELETE /messages": () => {
      messages.length = 0;
      byRecipient.clear();
    },
    "PUT /failures": async (wanted) => {
      failures = wanted ?? {};
      await refuse(Boolean(failures.refuse));
    },
  },
  settings.ports.control ?? 0,
);

ready(facts);
