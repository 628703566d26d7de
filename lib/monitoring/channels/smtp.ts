// Email over SMTP, by nodemailer.
import type { ChannelConfig } from '../../config/operations.ts';
import { asText, type ChannelCall, ChannelError, headline, type Message } from './channel.ts';

const TIMEOUT_MS = 15_000;

/** Permanent answers of a mail server (RFC 5321, 4.2.1): 5yz. */
function isPermanent(error: { responseCode?: number }): boolean {
  return error.responseCode !== undefined && error.responseCode >= 500;
}

export async function toSmtp(
  config: Extract<ChannelConfig, { kind: 'smtp' }>,
  call: ChannelCall,
  message: Message,
): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host: config.host,
    port: config.port,
    // Port 465 speaks TLS from the start; elsewhere STARTTLS is taken where it is offered, and demanded with a password.
    secure: config.secure ?? config.port === 465,
    requireTLS: config.user !== undefined && config.secure !== false,
    ...(config.user !== undefined && { auth: { user: config.user, pass: call.secret } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  });
  try {
    await transport.sendMail({
      from: config.sender,
      to: [...config.to],
      subject: headline(message),
      text: asText(message),
      messageId: `<${message.id}@keyturn>`,
      ...(message.file && {
        attachments: [{ filename: message.file.name, contentType: message.file.type, content: message.file.text }],
      }),
    });
  } catch (error) {
    const { code, responseCode } = error as { code?: string; responseCode?: number };
    const why = responseCode ?? code ?? 'error';
    throw new ChannelError(
      `The mail server ${config.host} did not take it (${why})`,
      !isPermanent({ ...(responseCode !== undefined && { responseCode }) }),
    );
  } finally {
    transport.close();
  }
}
