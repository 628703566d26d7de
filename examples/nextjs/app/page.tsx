export default function Page() {
  return <p>Secrets by Keyturn: see instrumentation.ts, lib/session.ts and lib/webhook-signatures.ts.</p>;
}
