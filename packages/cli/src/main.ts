#!/usr/bin/env node
/**
 * cli: the one command. It reads what was typed, and loads the one command that was meant; what needs the broker
 * loads it then. It decides nothing itself.
 */
import { commands } from './commands.ts'
import { run } from './run.ts'
import { processTerminal } from './terminal.ts'

// Whoever writes hears of it: `write` of the terminal rejects.
process.stdout.on('error', () => {})
process.exitCode = await run(process.argv.slice(2), commands, processTerminal)
