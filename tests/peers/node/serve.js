// Node's smtp-server, speaking SMTP or LMTP: keeps every message in a folder, as it got it.
//
// Called with one argument, a JSON object: host, port, folder, lmtp. A message is two files:
// N.eml, its octets, and, once those are written, N.json, its envelope.

'use strict';

const fs = require('fs');
const path = require('path');
const { SMTPServer } = require('smtp-server');

const { host, port, folder, lmtp } = JSON.parse(process.argv[2]);
const UNKNOWN = 'nobody@example.net'; // refused at RCPT
const FULL = 'full@example.net'; // in LMTP refused behind the mail data
let kept = 0;

function refusal(code, text) {
    return Object.assign(new Error(text), { responseCode: code });
}

function keep(sender, recipients, octets) {
    const name = path.join(folder, String(++kept));
    fs.writeFileSync(`${name}.eml`, octets);
    fs.writeFileSync(`${name}.part`, JSON.stringify({ sender, recipients }));
    fs.renameSync(`${name}.part`, `${name}.json`);
}

const server = new SMTPServer({
    name: 'node.example.net',
    lmtp,
    size: 32 * 1024 * 1024,
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    hideDSN: false,
    hideENHANCEDSTATUSCODES: false,
    onRcptTo(recipient, session, done) {
        done(recipient.address === UNKNOWN ? refusal(550, '5.1.1 User unknown') : null);
    },
    onData(stream, session, done) {
        const chunks = [];
        stream.on('data', chunk => chunks.push(chunk));
        stream.on('end', () => {
            const named = session.envelope.rcptTo.map(recipient => recipient.address);
            const refused = lmtp ? named.filter(address => address === FULL) : [];
            const sender = session.envelope.mailFrom.address || '';
            keep(sender, named.filter(address => !refused.includes(address)), Buffer.concat(chunks));
            const full = refusal(552, '5.2.2 Mailbox full');
            done(null, lmtp ? named.map(address => (refused.includes(address) ? full : 'kept')) : 'kept');
        });
    }
});

server.on('error', problem => console.error(problem)); // a client that went away is no reason to end
server.listen(port, host);
