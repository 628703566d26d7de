// A line of a text that is not as it should be.

export interface Problem {
  readonly line: number;
  /** What is wrong; never a value. */
  readonly what: string;
}
