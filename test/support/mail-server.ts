// A mail server for tests: as much of SMTP (RFC 5321) as a client needs, over a real socket.

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export interface MailServer {
  readonly port: number;
  readonly mails: { readonly from: string; readonly to: string[]; readonly text: string }[];
  /** What the next mails are refused with. */
  readonly refusals: string[];
}

export async function mailServer(): Promise<MailServer> {
  const mails: MailServer['mails'] = [];
  const refusals: string[] = [];
  const server = createServer((socket) => {
    serve(socket, mails, refusals).catch((error: unknown) => socket.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, mails, refusals };
}

async function serve(socket: Socket, mails: MailServer['mails'], refusals: string[]): Promise<void> {
  let mail = { from: '', to: [] as string[], text: '' };
  let data = false;
  socket.write('220 mail.test ESMTP\r\n');
  for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (data) {
      if (line !== '.') {
        mail.text += `${line}\n`;
        continue;
      }
      data = false;
      mails.push(mail);
      mail = { from: '', to: [], text: '' };
      socket.write('250 taken\r\n');
      continue;
    }
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') socket.write('250-mail.test\r\n250 8BITMIME\r\n');
    else if (verb === 'MAIL') {
      const refusal = refusals.shift();
      mail.from = line;
      socket.write(`${refusal ?? '250 fine'}\r\n`);
    } else if (verb === 'RCPT') {
      mail.to.push(line);
      socket.write('250 fine\r\n');
    } else if (verb === 'DATA') {
      data = true;
      socket.write('354 go on\r\n');
    } else if (verb === 'QUIT') {
      socket.end('221 bye\r\n');
      return;
    } else socket.write('250 fine\r\n');
  }
}
