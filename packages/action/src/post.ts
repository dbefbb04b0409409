/** The edge of the post step. */
import { nodeRunner } from './node-runner.ts'
import { release } from './release.ts'

await release(nodeRunner)
