/**
 * The life of a process: recovery, people who buy, some of them the same thing as others, and recovery again and again. A failure that
 * is not one of ours is a bug, and is the run's.
 */
import { PurserError } from "../../protocol/index.ts";
import type { Actor } from "./scheduler.ts";
import { openProcess, type WalletProcess } from "./wallet-process.ts";
import type { World } from "./world.ts";

const RECOVER_EVERY_MS = 10_000;
/** Where nothing breaks any more. */
const QUIET_EVERY_MS = 25_000;
/** For what may be another process's that is alive. */
const GRACE_MS = 30_000;

export async function live(world: World, actor: Actor): Promise<void> {
  const { scheduler, chance, plan } = world;
  const process = openProcess(world, actor);
  if (!(await isSound(process, world, actor))) return;
  world.opened(actor, process);
  await recover(process, world, actor, plan.startGraceMs);
  for (let caller = 0; caller < plan.callers; caller += 1) {
    shop(process, world, actor).catch((error: unknown) => world.fail(error));
  }
  for (;;) {
    const everyMs = world.faulty ? RECOVER_EVERY_MS : QUIET_EVERY_MS;
    await scheduler.sleep(everyMs + chance.int(0, 1_000), actor);
    await recover(process, world, actor, GRACE_MS);
  }
}

/** A process that finds its book damaged ends there. */
async function isSound({ check }: WalletProcess, { history }: World, actor: Actor) {
  try {
    await check();
    return true;
  } catch (error) {
    if (!(error instanceof PurserError)) throw error;
    history.note(actor, `does not open: ${error.code}`);
    return false;
  }
}

async function recover({ wallet }: WalletProcess, world: World, actor: Actor, graceMs: number) {
  const { history } = world;
  try {
    history.note(actor, `recovers, ${(await wallet.recover({ graceMs })).length} open`);
  } catch (error) {
    if (!(error instanceof PurserError)) throw error;
    history.note(actor, `cannot recover: ${error.code}`);
  }
}

async function shop(process: WalletProcess, world: World, actor: Actor): Promise<void> {
  const { scheduler, chance, plan } = world;
  for (let call = 0; call < plan.calls; call += 1) {
    await scheduler.sleep(chance.int(0, 20_000), actor);
    if (!world.faulty) return;
    await world.callers.buy(process, actor, chance.pick(plan.items));
  }
}
