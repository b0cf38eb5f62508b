/** What befalls the processes while faults last: they die, the power goes, their clocks jump, and somebody cancels payments. */
import type { World } from "./world.ts";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

export function startTrouble(world: World): void {
  const { scheduler, chance, plan } = world;
  const everySecond = () => {
    if (!world.faulty) return;
    // At any moment of the second, so also between any two steps of a payment.
    scheduler.schedule(chance.int(1, 999), undefined, () => befall(world));
    scheduler.schedule(SECOND_MS, undefined, everySecond);
  };
  if (Object.values(plan.rates).some((rate) => rate > 0)) everySecond();
}

function befall(world: World): void {
  const { chance, plan, history, file } = world;
  if (!world.faulty) return;
  const { crash, powerFailure, clockJump, cancel } = plan.rates;
  for (const actor of world.actors()) if (chance.happens(crash)) world.kill(actor);
  if (chance.happens(powerFailure)) {
    history.note("world", "the power fails");
    for (const actor of world.actors()) world.kill(actor);
    file.forgetUnsynced();
  }
  for (const actor of world.actors()) {
    if (!chance.happens(clockJump)) continue;
    world.watch.noticeClock(actor);
    actor.skewMs += chance.pick([-40, -1, -0.01, 0.0001, 0.001, 0.01]) * DAY_MS;
    world.watch.noticeClock(actor);
    history.note(actor, `clock is off by ${actor.skewMs} ms`);
  }
  if (chance.happens(cancel)) cancelOne(world);
}

/** The payer takes an authorization back on the chain, by another tool of its own. */
function cancelOne({ chance, watch, chain, history }: World): void {
  const out = [...watch.left.keys()];
  if (out.length === 0) return;
  const nonce = chance.pick(out);
  const { authorization } = watch.signed.get(nonce)!;
  history.note("payer", `cancels ${nonce.slice(2, 8)}`);
  chain.send({ kind: "cancel", authorization, signed: true, done: () => undefined });
}
