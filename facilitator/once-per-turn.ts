/**
 * What comes in one moment goes together: `work` runs once when this turn of the event loop is over, however often it is asked for in it, as
 * when many requests have arrived meanwhile, or many sales were recorded in one commit.
 */
export function oncePerTurn(work: () => void): () => void {
  let isComing = false;
  return () => {
    if (isComing) return;
    isComing = true;
    setImmediate(() => {
      isComing = false;
      work();
    });
  };
}
