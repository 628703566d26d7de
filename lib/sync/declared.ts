// What every declared destination has in common, said once; and how copies are compared that cannot be read back.
import type { Destination, Drift, Item, Remote } from './destination.ts';

export type Declaration = Pick<Destination, 'id' | 'from' | 'probe' | 'takes' | 'nameOf'>;

export class Declared implements Declaration {
  readonly id: Declaration['id'];
  readonly from: Declaration['from'];
  readonly probe: Declaration['probe'];
  readonly takes: Declaration['takes'];
  readonly nameOf: Declaration['nameOf'];

  constructor(declaration: Declaration) {
    this.id = declaration.id;
    this.from = declaration.from;
    this.probe = declaration.probe;
    this.takes = declaration.takes;
    this.nameOf = declaration.nameOf;
  }
}

/**
 * Compares by a mark that the place changes with every change of a copy: its time, its version.
 * @param there the marks of what is there, by name in upper case
 * @param markOf the mark that was kept when the copy was sent
 */
export function comparedByMark<T extends string | number>(
  items: readonly (Item & { readonly remote: Remote | undefined })[],
  there: ReadonlyMap<string, T | undefined>,
  markOf: (remote: Remote) => T | undefined,
): Map<string, Drift> {
  const compare = ({ name, remote }: (typeof items)[number]): Drift => {
    if (!there.has(name.toUpperCase())) return 'missing';
    const now = there.get(name.toUpperCase());
    const sent = remote && markOf(remote);
    if (now === undefined || sent === undefined) return 'unknown';
    return now === sent ? 'same' : 'different';
  };
  return new Map(items.map((item) => [item.name, compare(item)]));
}
