// The reference, made from the code: commands from the command line's own declarations, the API from the schemas that check each request,
// configuration from its types, error codes from their declaration. Texts only; who calls writes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { buildProgram } from '../../lib/cli/program.ts';
import { STATUS } from '../../lib/server/problems.ts';
import { apiDocument } from './api-types.js';
import { ROOT } from './set-up.js';

const MADE = '<!-- Made from the code by `npm run reference`; a test holds it to it. Not to be changed by hand. -->';

/** A cell of a table: one line, and no bar that would part it. */
function cell(text) {
  return String(text ?? '')
    .replace(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim();
}

function table(head, rows) {
  if (rows.length === 0) return '';
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text) {
  return text ? `\`${text}\`` : '';
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

// Commands.

function commandSection(command, path) {
  const name = [...path, command.name()].join(' ');
  const parts = [`## \`${name}\``, sentence(command.description()), `\`\`\`text\n${name} ${command.usage()}\n\`\`\``];
  const args = command.registeredArguments.map((one) => [code(one.name()), one.description, one.defaultValue ?? '']);
  parts.push(table(['argument', 'what', 'where not given'], args));
  const options = command.options
    .filter((one) => !one.hidden)
    .map((one) => [code(one.flags), one.description, one.defaultValue === undefined ? '' : String(one.defaultValue)]);
  parts.push(table(['option', 'what', 'where not given'], options));
  const own = parts.filter((one) => one !== '').join('\n\n');
  const below = command.commands
    .filter((one) => one.name() !== 'help')
    .map((one) => commandSection(one, [...path, command.name()]));
  return [own, ...below].join('\n\n');
}

async function commandsReference() {
  const program = await buildProgram();
  const head = `# Commands\n\n${MADE}\n\nEvery command takes \`--help\`. Exit codes: 0 fine, 1 findings or failed, 2 not understood, 3 the vault cannot be opened, 4 a person has to do something.`;
  const sections = program.commands
    .filter((one) => one.name() !== 'help')
    .map((one) => commandSection(one, ['keyturn']));
  return `${[head, ...sections].join('\n\n')}\n`;
}

// The API.

function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(', ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return [...new Set(some.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items) || 'anything'}`;
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? '');
}

function fieldsOf(schema, document) {
  const resolved = schema?.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)] : schema;
  const required = new Set(resolved?.required ?? []);
  return Object.entries(resolved?.properties ?? {}).map(([name, one]) => [
    code(name),
    typeOf(one),
    required.has(name) ? 'yes' : '',
    one.description ?? '',
  ]);
}

function operationSection(path, method, operation, document) {
  const parts = [`### \`${method.toUpperCase()} ${path}\``, sentence(operation.summary ?? '')];
  if (operation.description) parts.push(operation.description);
  const parameters = (operation.parameters ?? [])
    .filter((one) => one.in !== 'header')
    .map((one) => [
      code(one.name),
      one.in,
      typeOf(one.schema),
      one.required ? 'yes' : '',
      one.description ?? one.schema?.description ?? '',
    ]);
  parts.push(table(['parameter', 'in', 'type', 'required', 'what'], parameters));
  const body = operation.requestBody?.content?.['application/json']?.schema;
  parts.push(table(['body', 'type', 'required', 'what'], fieldsOf(body, document)));
  const answers = Object.entries(operation.responses ?? {})
    .filter(([status]) => status < '300')
    .map(([status, one]) => {
      const schema = one.content?.['application/json']?.schema;
      const names = fieldsOf(schema, document).map(([name]) => name);
      return `${status}: ${names.length > 0 ? names.join(', ') : typeOf(schema) || 'nothing'}`;
    });
  parts.push(`Answers ${answers.join('; ')}.`);
  return parts.filter((one) => one !== '').join('\n\n');
}

async function apiReference() {
  const document = await apiDocument();
  const byTag = new Map();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'other';
      byTag.set(tag, [...(byTag.get(tag) ?? []), operationSection(path, method, operation, document)]);
    }
  }
  const head = `# The API\n\n${MADE}\n\nA server has the same, to be tried out, at \`/docs\`, and as OpenAPI at \`/openapi.json\`. Errors are problem details (RFC 9457) with a code of [errors.md](errors.md). [server.md](../server.md) says how one signs in.`;
  const sections = [...byTag].map(([tag, operations]) => `## ${tag}\n\n${operations.join('\n\n')}`);
  return `${[head, ...sections].join('\n\n')}\n`;
}

// Configuration.

function interfacesOf(file) {
  const path = join(ROOT, 'lib', 'config', file);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const doc = (node) =>
    ts
      .getJSDocCommentsAndTags(node)
      .map((one) => (typeof one.comment === 'string' ? one.comment : ''))
      .join(' ');
  const propertiesOf = (members) =>
    members
      .filter(ts.isPropertySignature)
      .map((one) => [
        code(one.name.getText(source)),
        code((one.type?.getText(source) ?? '').replace(/\/\*\*[\s\S]*?\*\/\s*/g, '')),
        one.questionToken ? '' : 'yes',
        doc(one),
      ]);
  return source.statements.flatMap((one) => {
    if (ts.isInterfaceDeclaration(one))
      return [{ name: one.name.text, doc: doc(one), rows: propertiesOf(one.members) }];
    if (!ts.isTypeAliasDeclaration(one)) return [];
    const literals = one.type.getText(source);
    return [{ name: one.name.text, doc: doc(one), rows: [], text: literals }];
  });
}

function configurationReference() {
  const head = `# Configuration, every key\n\n${MADE}\n\nWhat \`keyturn.config.ts\` exports is a \`KeyturnConfig\`; [configuration.md](../configuration.md) explains it with examples.`;
  const sections = ['keyturn-config.ts', 'operations.ts'].flatMap(interfacesOf).map(({ name, doc, rows, text }) => {
    const body = text === undefined ? table(['key', 'type', 'required', 'what'], rows) : `\`\`\`ts\n${text}\n\`\`\``;
    return [`## ${name}`, doc, body].filter((one) => one !== '').join('\n\n');
  });
  return `${[head, ...sections].join('\n\n')}\n`;
}

// Error codes.

function errorsReference() {
  const text = readFileSync(join(ROOT, 'lib', 'errors.ts'), 'utf8');
  const declared = [...text.matchAll(/\/\*\* (.+?) \*\/\n {2}\| '(KT_[A-Z_]+)'/g)];
  const rows = declared.map(([, meaning, name]) => [code(name), String(STATUS[name]), meaning]);
  if (rows.length !== Object.keys(STATUS).length) throw new Error('an error code has no meaning in lib/errors.ts');
  const head = `# Error codes\n\n${MADE}\n\nCodes are part of the interface: they are never renamed or used anew. A message says what happened, what was left as it was, and what to do next; it holds no value.`;
  return `${head}\n\n${table(['code', 'HTTP status', 'what happened'], rows)}\n`;
}

/** Every page of the reference, by its file's name. */
export async function referencePages() {
  return {
    'commands.md': await commandsReference(),
    'api.md': await apiReference(),
    'configuration.md': configurationReference(),
    'errors.md': errorsReference(),
  };
}
