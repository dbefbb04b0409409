/** The main job from end to end, in seven steps. */

import type { Site } from './site.ts'
import type { Stage } from './stage.ts'
import { startBroker } from './steps/1-broker-starts.ts'
import { deployJobGetsToken } from './steps/2-job-gets-a-token.ts'
import { useProxy } from './steps/3-proxy-asks-every-time.ts'
import { pullRequestIsRefused } from './steps/4-pull-request-is-refused.ts'
import { jobEnds } from './steps/5-job-ends.ts'
import { logIsProved } from './steps/6-log-is-proved.ts'
import { nothingLeaked } from './steps/7-nothing-leaked.ts'

export const titles = [
  'The broker starts',
  'A deploy job proves who it is and gets a token',
  'The proxy asks at every call, and refuses everybody else',
  'A pull request asks for production and is refused',
  'The job ends, and its token with it',
  'The log is proved whole',
  'Nothing secret was left behind',
] as const

type StepNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7

/** The step that did not do what its title says. */
export class StoryFault extends Error {
  override readonly name = 'StoryFault'
  readonly step: StepNumber

  constructor(step: StepNumber, cause: unknown) {
    const why = cause instanceof Error ? cause.message : 'something unexpected was thrown'
    super(`step ${step} failed (${titles[step - 1]}): ${why.split('\n').join('; ')}`, { cause })
    this.step = step
  }
}

/** Tells the story. Throws `StoryFault` at the first step that does not do what its title says. */
export async function tell(stage: Stage): Promise<Site> {
  const step = async <Result>(number: StepNumber, run: () => Promise<Result>): Promise<Result> => {
    stage.say(`${number === 1 ? '' : '\n'}${number}/${titles.length} ${titles[number - 1]}`)
    try {
      return await within(stage.parts.patienceMs, run())
    } catch (cause) {
      throw new StoryFault(number, cause)
    }
  }
  const site = await step(1, () => startBroker(stage))
  const deploy = await step(2, () => deployJobGetsToken(stage, site))
  await step(3, () => useProxy(stage, site, deploy))
  await step(4, () => pullRequestIsRefused(stage, site))
  await step(5, () => jobEnds(stage, site, deploy))
  await step(6, () => logIsProved(stage, site))
  await step(7, () => nothingLeaked(stage, site))
  return site
}

/** A step that waits for something that never comes is a step that failed. */
async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
