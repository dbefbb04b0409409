/** The edge of the main step. */
import { acquire } from './acquire.ts'
import { nodeRunner } from './node-runner.ts'

// A cancelled job: the runner sends a signal and kills some seconds later. What is under way is finished, so that a
// credential which is on its way to us is written down and the post step can give it back.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

if (!(await acquire(nodeRunner))) process.exitCode = 1
