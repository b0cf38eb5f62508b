/** A page of the orchestrator's for a person's browser: no script, nothing from elsewhere, never in another site's frame. */
import type { Response } from "express";

/** `body` is HTML: whatever a stranger wrote in it is escaped already. `leadsTo` is the origin that its form goes on to. */
export function page(
  response: Response,
  status: number,
  title: string,
  body: string,
  leadsTo = "",
): void {
  response
    .status(status)
    .set({
      "Content-Security-Policy": `default-src 'none'; form-action 'self' ${leadsTo}; frame-ancestors 'none'; base-uri 'none'`,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
    })
    .send(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head><body><h1>${title}</h1>${body}</body></html>`,
    );
}
