/** Where an address is: on this machine, in a private network, or public. A tester must not become a way into other people's networks. */
import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";

type AddressKind = "loopback" | "private" | "public";

const LOOPBACK = subnets([
  ["127.0.0.0", 8],
  ["::1", 128],
]);

type Net = readonly [net: string, bits: number];

/** IANA's special-purpose registries: whatever no public server can have, and what each is. */
const NOT_PUBLIC = (
  [
    [
      "a link-local or metadata address, where cloud machines hand out their own credentials",
      [
        ["169.254.0.0", 16],
        ["fe80::", 10],
        ["fd00:ec2::254", 128],
      ],
    ],
    [
      "no address of a server, but stands for every address of this machine",
      [
        ["0.0.0.0", 8],
        ["::", 128],
      ],
    ],
    [
      "an address of a private network",
      [
        ["10.0.0.0", 8],
        ["100.64.0.0", 10],
        ["172.16.0.0", 12],
        ["192.168.0.0", 16],
        ["fc00::", 7],
      ],
    ],
    [
      "a reserved address, which no public server has",
      [
        ["192.0.0.0", 24],
        ["198.18.0.0", 15],
        ["224.0.0.0", 4],
        ["240.0.0.0", 4],
        ["64:ff9b::", 96],
        ["2002::", 16],
        ["ff00::", 8],
      ],
    ],
  ] satisfies [string, Net[]][]
).map(([what, nets]) => ({ what, list: subnets(nets) }));

function kindOf(address: string): Pick<ResolvedHost, "kind" | "what"> {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  if (LOOPBACK.check(plain, family)) return { kind: "loopback" };
  const found = NOT_PUBLIC.find(({ list }) => list.check(plain, family));
  return found ? { kind: "private", what: found.what } : { kind: "public" };
}

export interface ResolvedHost {
  readonly address: string;
  readonly family: 4 | 6;
  readonly kind: AddressKind;
  /** Of one that is not public, such as "an address of a private network". */
  readonly what?: string;
}

/**
 * Resolves a host once, for the whole run, so that a name cannot lead elsewhere later. Where a name has addresses of several
 * kinds, the least public one decides.
 */
export async function resolveHost(hostname: string): Promise<ResolvedHost> {
  const found = await lookup(hostname.replace(/^\[|\]$/g, ""), { all: true });
  const hosts = found.map(({ address, family }) => ({
    address,
    family: family === 6 ? (6 as const) : (4 as const),
    ...kindOf(address),
  }));
  const [first] = hosts;
  if (first === undefined) throw new Error(`${hostname} has no address.`);
  return hosts.find(({ kind }) => kind === "private") ?? first;
}

function subnets(list: readonly Net[]): BlockList {
  const block = new BlockList();
  for (const [net, bits] of list) block.addSubnet(net, bits, isIP(net) === 6 ? "ipv6" : "ipv4");
  return block;
}
