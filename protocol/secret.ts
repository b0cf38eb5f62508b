/**
 * A value that must never be printed, logged, traced or sent by accident: whatever turns it into text gets "[secret]".
 * Only `reveal` gives it out, so every use can be found by searching for that word.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}
