// nodemailer, sending the message on standard input as it is.
//
// Called with one argument, a JSON object: host, port, name, lmtp, from, to, dsn; for TLS ca, the file of the
// authority to trust, servername, and one of secure, requireTLS and opportunisticTLS. Prints the dialogue;
// ends with 1 if any recipient was refused.

'use strict';

const fs = require('fs');
const nodemailer = require('nodemailer');

const { from, to, dsn, ca, servername, ...options } = JSON.parse(process.argv[2]);
const raw = fs.readFileSync(0);
const envelope = { from, to, size: raw.length, use8BitMime: true };
const tls = ca && { ca: fs.readFileSync(ca), servername };
const transport = nodemailer.createTransport({ ...options, ignoreTLS: !ca, tls, logger: true, debug: true });

const failures = dsn && { return: 'headers', notify: 'failure' };

transport.sendMail({ envelope, raw, dsn: failures }, (problem, sent) => {
    process.exitCode = problem || sent.rejected.length ? 1 : 0;
});
