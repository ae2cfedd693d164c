/** Three programs that keep a sandbox for as long as they are told, and say little, some or all they can. */
export const PROGRAMS = {
  /** Computes and says one word at its end. */
  silent: (seconds: number) => `
import time
time.sleep(${seconds})
print("done")
`,
  /** A line of 80 characters ten times a second, as a build or a training run prints. */
  chatty: (seconds: number) => `
import time
end = time.monotonic() + ${seconds}
step = 0
while time.monotonic() < end:
    step += 1
    print(f"step {step} ".ljust(79, "."), flush=True)
    time.sleep(0.1)
`,
  /** As fast as it can, beyond the output that is kept. */
  firehose: (seconds: number) => `
import time
end = time.monotonic() + ${seconds}
block = ("x" * 79 + "\\n") * 800
while time.monotonic() < end:
    print(block, end="", flush=True)
`,
} as const;

export type ProgramName = keyof typeof PROGRAMS;
