// What every declared destination has in common, said once.
import type { Destination } from './destination.ts';

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
