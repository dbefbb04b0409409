/** Doors of other brokers' protocols. Each exists only where the configuration opens its dialect. */
import type { DoorRow } from '../door-row.ts'
import { answerAwsSts, refuseAwsSts } from './aws-sts/aws-sts.ts'
import { answerOctoSts, refuseOctoSts } from './octo-sts/octo-sts.ts'

const bodyLimit = 16_384

const octoSts = {
  path: '/sts/exchange',
  opens: (doors) => doors.dialects?.octoSts !== undefined,
  refuse: refuseOctoSts,
} as const satisfies Partial<DoorRow>

/** In the order in which the documentation lists them. */
export const dialectRows: readonly DoorRow[] = [
  { ...octoSts, name: 'octo-sts', method: 'GET', bodyLimit: 0, makes: true, answer: answerOctoSts },
  { ...octoSts, name: 'octo-sts.json', method: 'POST', bodyLimit, answer: answerOctoSts },
  {
    name: 'aws-sts',
    method: 'POST',
    path: '/',
    bodyLimit,
    opens: (doors) => doors.dialects?.awsSts !== undefined,
    refuse: refuseAwsSts,
    answer: answerAwsSts,
  },
]
