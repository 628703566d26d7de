// Runs once when the server starts, before the first request: what is wrong with the secrets shows here, not in the middle
// of somebody's payment.
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  const { secretsManager } = await import('keyturn');
  // On a vault in the project's folder, or on the server that KEYTURN_URL names: the code is the same.
  await secretsManager.load();
}
