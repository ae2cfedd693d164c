/**
 * Two things that code in a sandbox must not get: credentials of the account, and a way to anything
 * that it was not given (its own agent, the internet). Each is tried from inside.
 */
import * as z from 'zod';
import { Problem } from '../../shared/problem.ts';
import { type Run, type Step, sandboxOf } from '../step.ts';

/** Where a task's agent listens. */
const AGENT_PORT = 49_983;
const TRY_SECONDS = 3;

const PRELUDE = `
import concurrent.futures, json, os, socket, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def fetch(url, data=None):
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with opener.open(request, timeout=${TRY_SECONDS}) as answer: return f"{answer.status} " + answer.read(2048).decode("latin-1")
    except urllib.error.HTTPError as refused: return f"{refused.code}"
def connect(host, port):
    socket.create_connection((host, port), ${TRY_SECONDS}).close()
    return "connected"
def tried(attempt):
    try: return {"answered": attempt()}
    except OSError as error: return {"failed": str(error)[:120]}
def all_of(attempts):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        print(json.dumps(dict(zip(attempts, pool.map(tried, attempts.values())))))
`;

const CREDENTIALS = `${PRELUDE}
all_of({
    "environment": lambda: " ".join(name for name in os.environ if name.startswith(("AWS_", "ECS_"))),
    "task credentials": lambda: fetch("http://169.254.170.2" + os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials")),
    "instance credentials": lambda: fetch("http://169.254.169.254/latest/meta-data/iam/security-credentials/"),
})`;

const WAYS_OUT = `${PRELUDE}
body = json.dumps({"executionId": "ex" + "0" * 20, "code": "1", "timeoutMs": 1000}).encode()
all_of({
    "agent": lambda: fetch("http://127.0.0.1:${AGENT_PORT}/executions", body),
    "internet by address": lambda: connect("1.1.1.1", 443),
    "internet by name": lambda: socket.gethostbyname("example.com"),
})`;

const Tried = z.record(
  z.string(),
  z.union([z.object({ answered: z.string() }), z.object({ failed: z.string() })]),
);

/** What an answer may be; anything else is a hole. */
const HARMLESS: Readonly<Record<string, RegExp>> = {
  environment: /^$/,
  // The address answers in every task; without a task role it has nothing to give.
  'task credentials': /^[45]\d\d$/,
  'instance credentials': /^[45]\d\d$/,
  agent: /^401$/,
};

async function attack(run: Run, code: string): Promise<string> {
  const { stdout, stderr } = await sandboxOf(run).execute(code, { signal: run.signal });
  const parsed = Tried.safeParse(JSON.parse(stdout || 'null'));
  if (!parsed.success) throw new Problem(`the attack did not run: ${stderr.slice(-300)}`);
  const held = Object.entries(parsed.data).map(([name, outcome]) => {
    if ('failed' in outcome) return `${name}: no way`;
    if (HARMLESS[name]?.test(outcome.answered)) return `${name}: ${outcome.answered || 'nothing'}`;
    // What it is may be a secret.
    throw new Problem(
      `code in a sandbox has a way to ${name}. See docs/security.md; stop using this deployment.`,
    );
  });
  return held.join(', ');
}

export const credentials: Step = {
  name: 'attack: secrets',
  run: (run) => attack(run, CREDENTIALS),
};

export const waysOut: Step = {
  name: 'attack: ways out',
  run: (run) => attack(run, WAYS_OUT),
};
