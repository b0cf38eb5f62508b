/** One named fault for each case of a client, in a client that is else right. */
import type { ClientFaults } from "./small-client.ts";

type Row = readonly [kills: string, fault: string, faults: ClientFaults];

export const CLIENT_MUTANTS: readonly Row[] = [
  ["CLIENT-01", "has no limit", { ignoresLimit: true }],
  ["CLIENT-02", "signs anew at a 402", { signsAgainAt: [402] }],
  ["CLIENT-03", "has no limit", { ignoresLimit: true }],
  ["CLIENT-04", "has no limit", { ignoresLimit: true }],
  ["CLIENT-05", "takes the first offer", { takesFirst: true }],
  ["CLIENT-06", "checks the first offer and pays another", { checksFirst: true }],
  ["CLIENT-07", "pays at each hop", { paysAtEachHop: true }],
  ["CLIENT-08", "reads any number", { readsAnyNumber: true }],
  ["CLIENT-10", "pays anybody", { anyPayee: true }],
  ["CLIENT-11", "signs anew, for anybody", { signsAgainAt: [402], anyPayee: true }],
  ["CLIENT-12", "pays in any token", { anyAsset: true }],
  ["CLIENT-13", "pays on any chain", { anyNetwork: true }],
  ["CLIENT-14", "signs under the server's domain", { trustsDomain: true }],
  ["CLIENT-15", "does not look at what is sold", { anyResource: true }],
  ["CLIENT-16", "signs for as long as it is told", { anyWindow: true }],
  ["CLIENT-17", "signs a Permit2 permission unseen", { signsPermits: true }],
  ["CLIENT-20", "pays wherever it is led", { followsUnpaid: true }],
  ["CLIENT-21", "takes its payment along a redirect", { followsPaid: true }],
  ["CLIENT-30", "signs anew at a 402", { signsAgainAt: [402] }],
  ["CLIENT-31", "signs anew at a 402", { signsAgainAt: [402] }],
  ["CLIENT-32", "signs anew where no answer came", { signsAgainAt: ["lost", 504] }],
  ["CLIENT-33", "signs anew when it is told to wait", { signsAgainAt: [429, 500, 503] }],
  ["CLIENT-34", "gives up where no answer came", { neverResends: true }],
  ["CLIENT-35", "forgets what it signed", { forgets: true, neverResends: true }],
  ["CLIENT-36", "has one nonce", { oneNonce: true }],
  ["CLIENT-40", "pays what it cannot read", { paysUnread: true }],
  ["CLIENT-41", "believes receipts", { neverLooksUp: true }],
  ["CLIENT-42", "loses the request's headers", { losesHeaders: true }],
  ["CLIENT-43", "sends both versions' headers", { sendsBothVersions: true }],
  ["CLIENT-44", "prints its key", { printsKey: true }],
];
