import type { Policy } from '../policy.ts'
import type { Tree } from './tree.ts'
import type { Vocabulary } from './vocabulary.ts'
export function runTests(_tests: readonly Tree[], _policy: Policy, _vocabulary: Vocabulary): void {}
