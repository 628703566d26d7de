// A server of its own process for the benchmarks: Keyturn's on a store, or bare Fastify as the floor. Says where it is,
// and on a signal how much CPU time it has taken.
import Fastify from 'fastify';
import { projectConfig } from '../lib/config/config.ts';
import { createToken } from '../lib/identity/tokens.ts';
import { KeyturnServer } from '../lib/server/server.ts';
import { EmbeddedVault } from '../lib/vault/embedded-vault.ts';
import { options } from './support.ts';

const [kind = 'bare', folder = ''] = process.argv.slice(2);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  say(JSON.stringify({ cpuMs: (user + system) / 1000, rssMiB: process.memoryUsage().rss / 2 ** 20 }));
});

if (kind === 'bare') {
  const app = Fastify();
  app.get('/v1/projects/:project/environments/:environment/secrets/:name', (request, reply) => {
    const { name } = request.params as { name: string };
    reply.send({ name, version: 1, value: 'a value of a usual length, 40 bytes long' });
  });
  say(await app.listen({ host: '127.0.0.1', port: 0 }));
} else {
  const { home } = options(folder);
  const server = await KeyturnServer.start({
    home,
    env: process.env,
    config: projectConfig(folder),
    version: 'bench',
    host: '127.0.0.1',
    port: 0,
    logLevel: 'warn',
  });
  say(server.url);
  process.once('SIGTERM', () => server.stop().then(() => process.exit(0)));
  // The token is made beside the server, as `keyturn` on the host would.
  const vault = EmbeddedVault.open({ ...options(folder), env: process.env });
  const key = vault.context.keyring.serverKey?.deriveKey('keyturn/v1/tokens');
  if (!key) throw new Error('no server key');
  const scope = { project: 'default', environment: 'development', permissions: ['read', 'write', 'list'] };
  say(vault.run(createToken(vault.context, key, 'bench', scope)).token);
  vault.close();
}
