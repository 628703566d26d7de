// The readable page of the API, written from the OpenAPI document: no script, nothing from elsewhere.

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly default?: unknown;
}

interface OperationObject {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly 'x-permission'?: string;
  readonly parameters?: readonly {
    name: string;
    in: string;
    required?: boolean;
    schema?: Schema;
    description?: string;
  }[];
  readonly requestBody?: { content?: Readonly<Record<string, { schema?: Schema }>> };
  readonly responses?: Readonly<Record<string, { content?: Readonly<Record<string, { schema?: Schema }>> }>>;
}

export interface OpenApi {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

const TITLES: Readonly<Record<string, string>> = {
  secrets: 'Secrets',
  rotations: 'Rotations and the schedule',
  emergency: 'Emergencies and incidents',
  destinations: 'Destinations',
  oversight: 'Validation, live checks, monitoring, reports',
  alerts: 'Alerts',
  assurance: 'Reports, anomalies, restore drills, journeys',
  places: 'Projects and environments',
  access: 'People, tokens, roles, approvals',
  audit: 'Audit log',
  keys: 'Keys',
  backups: 'Backups',
};

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function typeWords(schema: Schema | undefined): string {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(typeWords).join(' | ');
  if (schema.type === 'array') return `${typeWords(schema.items)}[]`;
  return typeof schema.type === 'string' ? schema.type : (schema.type ?? []).join(' | ');
}

function fieldRows(schema: Schema | undefined): string {
  return Object.entries(schema?.properties ?? {})
    .map(([name, one]) => {
      const needed = schema?.required?.includes(name) ? '' : ' <span class="small">optional</span>';
      return `<tr><td><code>${escapeHtml(name)}</code>${needed}</td><td><code>${escapeHtml(typeWords(one))}</code></td><td>${escapeHtml(one.description ?? '')}</td></tr>`;
    })
    .join('');
}

function table(title: string, rows: string): string {
  return rows === '' ? '' : `<p class="small">${title}</p><table>${rows}</table>`;
}

function resolve(document: OpenApi, schema: Schema | undefined): Schema | undefined {
  const name = schema?.$ref?.split('/').at(-1);
  return name === undefined ? schema : document.components?.schemas?.[name];
}

function operation(document: OpenApi, path: string, method: string, one: OperationObject): string {
  const permission = one['x-permission'];
  const asks =
    permission === undefined
      ? 'open to all'
      : permission === 'any'
        ? 'any caller'
        : `permission <code>${permission}</code>`;
  const parameters = (one.parameters ?? [])
    .filter((each) => each.in === 'query')
    .map(
      (each) =>
        `<tr><td><code>${escapeHtml(each.name)}</code></td><td><code>${escapeHtml(typeWords(each.schema))}</code></td><td>${escapeHtml(each.description ?? each.schema?.description ?? '')}</td></tr>`,
    )
    .join('');
  const body = Object.values(one.requestBody?.content ?? {})[0]?.schema;
  const good = Object.entries(one.responses ?? {}).find(([status]) => status.startsWith('2'));
  const answer = Object.values(good?.[1].content ?? {})[0]?.schema;
  return `<details><summary><span class="method">${method.toUpperCase()}</span> <span class="path">${escapeHtml(path)}</span><br><span class="small">${escapeHtml(one.summary ?? '')}</span></summary><div>
<p>${asks}</p>${one.description ? `<p>${escapeHtml(one.description)}</p>` : ''}
${table('In the query', parameters)}${table('In the body', fieldRows(resolve(document, body)))}${table(`In the answer (${good?.[0] ?? ''})`, fieldRows(resolve(document, answer)))}
</div></details>`;
}

/** @param errors every code with its status and what it means */
export function docsPage(
  document: OpenApi,
  errors: readonly { code: string; status: number; title: string }[],
): string {
  const byTag = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, one] of Object.entries(methods)) {
      const tag = one.tags?.[0] ?? 'other';
      byTag.set(tag, [...(byTag.get(tag) ?? []), operation(document, path, method, one)]);
    }
  }
  const tags = Object.keys(TITLES).filter((tag) => byTag.has(tag));
  const links = tags.map((tag) => `<a href="#${tag}">${TITLES[tag]}</a>`).join('');
  const sections = tags.map((tag) => `<h2 id="${tag}">${TITLES[tag]}</h2>${byTag.get(tag)?.join('') ?? ''}`).join('');
  const codes = errors
    .map(
      (one) =>
        `<tr id="${one.code}"><td><code>${one.code}</code></td><td>${one.status}</td><td>${escapeHtml(one.title)}</td></tr>`,
    )
    .join('');
  return `<h1>${escapeHtml(document.info.title)} API <span class="small">${escapeHtml(document.info.version)}</span></h1>
<p>${escapeHtml(document.info.description ?? '')} The document for programs is <a href="/openapi.json">/openapi.json</a>.</p>
<p>Programs send <code>Authorization: Bearer kt_…</code>; people use the session cookie of <code>POST /api/auth/sign-in/email</code>.
Changes take an <code>Idempotency-Key</code>; secrets have an <code>ETag</code> for <code>If-Match</code> and <code>If-None-Match</code>.
Where an environment demands two people, send the approved id as <code>Keyturn-Approval</code>.</p>
<nav>${links}<a href="#errors">Errors</a></nav>${sections}
<h2 id="errors">Errors</h2><table>${codes}</table>`;
}
