/**
 * The WebAssembly module behind `keccak.ts`, written instruction by instruction from the definition (FIPS 202, section 3.2), so
 * that no binary has to be trusted. Its one function takes blocks of input into a state of 25 lanes that stays in its memory.
 */

/** The module's measures: a block's bytes, and where state and input stand in its memory. */
export const KECCAK = { rate: 136, stateAt: 0, inputAt: 512, mostBlocks: 900 } as const;

const CONSTANTS_AT = 256;
const CONSTANTS_END = CONSTANTS_AT + 24 * 8;
const PAGES = 2;

/** The part of the engine that is used, which Node's types do not declare. */
interface Engine {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => {
    exports: { memory: { buffer: ArrayBuffer }; absorb: (blocks: number) => void };
  };
}

/** Its memory, and the function that takes so many blocks (at least one) from `inputAt`. */
export function keccakModule(): { bytes: Buffer; absorb: (blocks: number) => void } {
  const { Instance, Module } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
  const { memory, absorb } = new Instance(new Module(assemble())).exports;
  const bytes = Buffer.from(memory.buffer);
  for (const [round, constant] of roundConstants().entries()) {
    bytes.writeBigUInt64LE(constant, CONSTANTS_AT + round * 8);
  }
  return { bytes, absorb };
}

/** Each round's, from a shift register (algorithms 5 and 6). */
function roundConstants(): bigint[] {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let power = 0; power < 7; power += 1) {
      if (register & 1) constant |= 1n << ((1n << BigInt(power)) - 1n);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    return constant;
  });
}

/** "\0asm", version 1. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const I32 = 0x7f;
const I64 = 0x7e;
/** The function's variables: its argument, two addresses, the lanes, and six to calculate with. */
const BLOCKS = 0;
const AT = 1;
const ROUND = 2;
const lane = (at: number) => 3 + at;
const column = (x: number) => 28 + (x % 5);
const CARRY = 33;

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const load = (offset: number) => [0x29, 3, ...unsigned(offset)];
const store = (offset: number) => [0x37, 3, ...unsigned(offset)];
const i32 = (value: number) => [0x41, ...signed(value)];
const i64 = (value: number) => [0x42, ...signed(value)];
const code = (...parts: number[][]) => parts.flat();
const loop = (...body: number[][]) => [0x03, 0x40, ...body.flat(), 0x0b];
const AGAIN_IF = [0x0d, 0];
const ADD = 0x6a;
const SUBTRACT = 0x6b;
const BELOW = 0x49;
const AND = 0x83;
const XOR = 0x85;
const ROTATE = 0x89;

const each = (count: number, one: (at: number) => number[]) =>
  Array.from({ length: count }, (_, at) => one(at)).flat();

function absorb(): number[] {
  return [
    ...each(25, (at) => [...i32(0), ...load(KECCAK.stateAt + 8 * at), ...set(lane(at))]),
    ...i32(KECCAK.inputAt),
    ...set(AT),
    ...loop(
      each(KECCAK.rate / 8, (at) => xorInto(lane(at), [...get(AT), ...load(8 * at)])),
      [...i32(CONSTANTS_AT), ...set(ROUND)],
      loop(
        theta(),
        rhoAndPi(),
        chi(),
        xorInto(lane(0), [...get(ROUND), ...load(0)]),
        [...get(ROUND), ...i32(8), ADD, ...set(ROUND)],
        [...get(ROUND), ...i32(CONSTANTS_END), BELOW, ...AGAIN_IF],
      ),
      [...get(AT), ...i32(KECCAK.rate), ADD, ...set(AT)],
      [...get(BLOCKS), ...i32(1), SUBTRACT, ...set(BLOCKS), ...get(BLOCKS), ...AGAIN_IF],
    ),
    ...each(25, (at) => [...i32(0), ...get(lane(at)), ...store(KECCAK.stateAt + 8 * at)]),
  ];
}

const xorInto = (local: number, value: number[]) => [...get(local), ...value, XOR, ...set(local)];

function theta(): number[] {
  const parity = (x: number) => [
    ...get(lane(x)),
    ...each(4, (y) => [...get(lane(x + 5 * (y + 1))), XOR]),
    ...set(column(x)),
  ];
  const spread = (x: number) => [
    ...code(get(column(x + 4)), get(column(x + 1)), i64(1), [ROTATE, XOR], set(CARRY)),
    ...each(5, (y) => xorInto(lane(x + 5 * y), get(CARRY))),
  ];
  return [...each(5, parity), ...each(5, spread)];
}

/** Each lane goes, rotated, where the next one of the walk was. */
function rhoAndPi(): number[] {
  const walk = [...get(lane(1)), ...set(CARRY)];
  let [x, y] = [1, 0];
  for (let step = 0; step < 24; step += 1) {
    [x, y] = [y, (2 * x + 3 * y) % 5];
    const to = lane(x + 5 * y);
    walk.push(...get(to), ...set(column(0)));
    walk.push(...get(CARRY), ...i64((((step + 1) * (step + 2)) / 2) % 64), ROTATE, ...set(to));
    walk.push(...get(column(0)), ...set(CARRY));
  }
  return walk;
}

function chi(): number[] {
  return each(5, (y) => [
    ...each(5, (x) => [...get(lane(x + 5 * y)), ...set(column(x))]),
    ...each(5, (x) => [
      ...code(get(column(x)), get(column(x + 1)), i64(-1), [XOR]),
      ...code(get(column(x + 2)), [AND, XOR], set(lane(x + 5 * y))),
    ]),
  ]);
}

/** The module: a type, a function of it, a memory, what is exported, and the function's code. */
function assemble(): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: number[]) => [id, ...unsigned(content.length), ...content];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const body = [2, 2, I32, 31, I64, ...absorb(), 0x0b];
  return new Uint8Array([
    ...MAGIC,
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0x00, PAGES]),
    ...section(7, [2, ...name("memory"), 0x02, 0, ...name("absorb"), 0x00, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** Integers of variable length (LEB128). */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40
    ? [value & 0x7f]
    : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
