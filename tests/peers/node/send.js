// nodemailer, sending the message on standard input as it is.
//
// Called with one argument, a JSON object: host, port, name, lmtp, from, to, dsn. Prints the dialogue; ends
// with 1 if any recipient was refused.

'use strict';

const fs = require('fs');
const nodemailer = require('nodemailer');

const { host, port, name, lmtp, from, to, dsn } = JSON.parse(process.argv[2]);
const raw = fs.readFileSync(0);
const envelope = { from, to, size: raw.length, use8BitMime: true };
const transport = nodemailer.createTransport({ host, port, name, lmtp, ignoreTLS: true, logger: true, debug: true });

const failures = dsn && { return: 'headers', notify: 'failure' };

transport.sendMail({ envelope, raw, dsn: failures }, (problem, sent) => {
    process.exitCode = problem || sent.rejected.length ? 1 : 0;
});
