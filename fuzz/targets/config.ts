// Configuration files, allow files and environment schemas: written by people, and each refused with its line.
import { Catalog } from '../../lib/catalog/catalog.ts';
import { parseConfig } from '../../lib/config/load-config.ts';
import { parseAllowFile } from '../../lib/leaks/allow.ts';
import { parseSchema } from '../../lib/validation/environment/schema.ts';
import { answers, type FuzzTarget } from '../target.ts';

const catalog = new Catalog();
const SEEDS = [
  `{
  "environment": "production",
  "types": { "session_key": { "intervalDays": 30, "minLength": 32 } },
  "secrets": { "SESSION_KEY": { "type": "session_key", "group": "required" } },
  "schedule": { "timeZone": "Europe/Berlin", "windows": [{ "days": ["mon"], "from": "02:00", "to": "04:00" }] },
  "destinations": { "vercel": { "kind": "vercel", "project": "prj_1", "targets": ["production"], "secrets": ["*"] } },
  "alerts": { "channels": { "ops": { "kind": "slack", "url": { "secret": "SLACK_WEBHOOK_URL" } } } }
}`,
  '- print: 0123456789abcdef\n  reason: a made-up value of the docs\n- path: "test/**"\n  rule: stripe\n  reason: made-up values of tests\n  until: 2027-01-01\n',
  'variables:\n  DATABASE_URL:\n    required: true\n    environments: [production]\n  NEXT_PUBLIC_URL: { public: true }\n',
  '{"a": &x {"b": 1}, "c": *x, "d": *y}',
];

export const target: FuzzTarget = {
  name: 'config',
  seeds: () => SEEDS.map((one) => Buffer.from(one)),
  run: (input) => {
    const text = input.toString('utf8');
    answers(() => parseConfig('keyturn.config.json', text));
    answers(() => parseAllowFile(text));
    answers(() => parseSchema(text, catalog));
  },
};
