import type { Command } from '../command.ts'

export const command: Command = {
  usage: '[--once]',
  about: `Starts a broker on an embedded store, a stand-in for GitHub's token service and an example API behind the
proxy, tells the main job step by step with what really goes over the wire, and stays up for exploring until Ctrl-C.
Runs from a clone of the repository, which has the examples.`,
  options: { once: { type: 'boolean', summary: 'End after the story' } },
  words: { least: 0, most: 0 },
  examples: ['mayfly demo --once'],
  exits: { 0: 'every step did what it says', 1: 'a step did not: the last line names it' },
  run: async (given, terminal) => {
    const { runDemo } = await import('../demo/demo.ts')
    const { realParts } = await import('../demo/real-parts.ts')
    return runDemo(await realParts(), terminal, { once: given.flag('once') })
  },
}
