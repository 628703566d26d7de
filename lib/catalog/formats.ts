// The forms that providers' keys have, once: the catalogue's known secrets and the providers both say them from here.
// Those of a provider's own documents or of a public detector's rule are confirmed; the others come from memory, so they
// warn and never block.

/** One form that a value may have. */
export interface FormatRule {
  /** A regular expression over the whole value. */
  readonly expression: string;
  /** What it is, in words: "a live secret key". */
  readonly words: string;
  /** Set where the form tells a test key from a live one. */
  readonly mode?: 'test' | 'live';
  /** Set where the form is on its way out: what to do instead. */
  readonly retiring?: string;
}

/** The host of a Slack incoming webhook, and the three kinds of paths (public detectors' rule). */
const SLACK_HOOK = 'https://hooks\\.slack\\.com/(services|workflows|triggers)/[A-Za-z0-9+/]{20,80}';

const JWT = 'eyJ[A-Za-z0-9_-]+\\.eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+';

export const FORMATS = {
  stripeKey: [
    { expression: '(sk|rk)_live_[A-Za-z0-9]{10,99}', words: 'a live key (sk_live_… or rk_live_…)', mode: 'live' },
    { expression: '(sk|rk)_test_[A-Za-z0-9]{10,99}', words: 'a test key (sk_test_… or rk_test_…)', mode: 'test' },
  ],
  // Not confirmed beyond the prefix.
  stripeWebhook: [{ expression: 'whsec_[A-Za-z0-9+/=_-]{16,}', words: 'a signing secret (whsec_…)' }],
  // Not confirmed.
  telnyxKey: [{ expression: 'KEY[A-Za-z0-9_]{20,}', words: 'an API key (KEY…)' }],
  telnyxPublicKey: [{ expression: '[A-Za-z0-9+/]{43}=', words: "the account's public key (base64 of 32 bytes)" }],
  // Not confirmed beyond the prefix.
  retellKey: [{ expression: 'key_[A-Za-z0-9]{8,}', words: 'an API key (key_…)' }],
  openaiKey: [
    {
      expression: 'sk-(proj|svcacct|admin)-[A-Za-z0-9_-]*T3BlbkFJ[A-Za-z0-9_-]*',
      words: 'a project or service account key (sk-proj-…)',
    },
    { expression: 'sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}', words: 'an older user key (sk-…)' },
  ],
  // Not confirmed.
  resendKey: [{ expression: 're_[A-Za-z0-9_]{16,}', words: 'an API key (re_…)' }],
  resendWebhook: [{ expression: 'whsec_[A-Za-z0-9+/=]{16,}', words: 'a signing secret (whsec_…)' }],
  supabaseKey: [
    { expression: 'sb_secret_[A-Za-z0-9_-]{20,}', words: 'a secret key (sb_secret_…)' },
    {
      expression: JWT,
      words: 'a legacy service_role key (a JWT)',
      retiring: 'Legacy keys end with 2026: make an sb_secret_… key on the same page and use that.',
    },
  ],
  slackWebhook: [{ expression: SLACK_HOOK, words: 'an incoming webhook (https://hooks.slack.com/…)' }],
  // Not confirmed.
  googleClientSecret: [{ expression: 'GOCSPX-[A-Za-z0-9_-]{28}', words: 'a client secret (GOCSPX-…)' }],
  githubToken: [
    { expression: 'github_pat_\\w{82}', words: 'a fine-grained token (github_pat_…)' },
    { expression: 'ghp_[0-9A-Za-z]{36}', words: 'a classic token (ghp_…)' },
    { expression: 'gh[ou]_[0-9A-Za-z]{36}', words: "an App's token for a person (ghu_…, gho_…)" },
    // Some 520 characters since 2026: a JWT behind the prefix, to be taken as it is (github.blog, changelog, 2026-05-15).
    { expression: 'ghs_[0-9A-Za-z._-]{36,}', words: "an App's token for an installation (ghs_…)" },
  ],
  // Not confirmed: older tokens are 24 characters without a prefix.
  vercelToken: [{ expression: '(vc[a-z]_[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{24})', words: 'an access token' }],
  postgresUrl: [{ expression: 'postgres(ql)?://[^\\s]+', words: "a database's address (postgres://…)" }],
} as const satisfies Record<string, readonly FormatRule[]>;
