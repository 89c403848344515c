/** For `node --require @callsight/agent/register` or `--import`: starts the agent, everything from the environment. */
import { startAgent } from './singleton.ts'

startAgent({}, process.env)
