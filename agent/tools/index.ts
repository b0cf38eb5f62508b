/** The tools of an agent: all that a model can do in a run. */
import type { ToolSet } from "ai";
import type { Session } from "../session.ts";
import { addService } from "./add-service.ts";
import { askHuman } from "./ask-human.ts";
import { checkDomain } from "./check-domain.ts";
import { deployWorker } from "./deploy-worker.ts";
import { finish } from "./finish.ts";
import { lookAtProject } from "./look-at-project.ts";
import { lookAtFolder } from "./look-at-folder.ts";
import { searchCatalog } from "./search-catalog.ts";
import { bindTool } from "./tool.ts";
import { verifyUrl } from "./verify-url.ts";

/** The tools bound to one run. */
export function createTools(session: Session): ToolSet {
  return {
    search_catalog: bindTool(searchCatalog, session),
    look_at_project: bindTool(lookAtProject, session),
    look_at_folder: bindTool(lookAtFolder, session),
    add_service: bindTool(addService, session),
    check_domain: bindTool(checkDomain, session),
    deploy_worker: bindTool(deployWorker, session),
    verify_url: bindTool(verifyUrl, session),
    ask_human: bindTool(askHuman, session),
    finish: bindTool(finish, session),
  };
}
