/**
 * A sandbox as an attacker has it: Python that tries something and tells how it was refused. Must
 * never count a failure as a refusal: an attack that ends in another way throws.
 */
import { createSandbox, type TestSandbox } from './api.ts';

export const AGENT_PORT = 49_983;

/** Kept by the sandbox from run to run: how an attack is tried and how its refusal is told. */
const TOOLS = `
import ctypes, errno, http.client, json, os, platform, re, resource, signal, socket, stat, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == 'aarch64'
pids = lambda: [int(name) for name in os.listdir('/proc') if name.isdigit()]
agents = lambda: [pid for pid in pids() if os.stat(f'/proc/{pid}').st_uid != 1000]
def refusal(attempt, *arguments):
    """The name of the error; what was answered when there was none."""
    try: answer = attempt(*arguments)
    except TimeoutError: return 'no answer'
    except OSError as error: return errno.errorcode.get(error.errno, type(error).__name__)
    return f'succeeded: {answer!r:.80}'
def checked(answer):
    if answer == -1: raise OSError(ctypes.get_errno(), 'refused')
    return answer
call = lambda name, *arguments: checked(getattr(libc, name)(*arguments))
system_call = lambda number, *arguments: checked(libc.syscall(number, *arguments))
def reach(host, port, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, kind) as s:
        s.settimeout(2)
        s.connect((host, port))
        s.send(b'x')
        return 'reached'
def ask(host, method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(host, ${AGENT_PORT}, timeout=5)
    connection.request(method, path, body, {'Content-Type': 'application/json', **headers})
    response = connection.getresponse()
    return response.status, json.loads(response.read())
def text_of(path):
    with open(path, errors='replace') as file: return file.read(1 << 20)
`;

export interface Attacker extends TestSandbox {
  /** What a program printed; throws unless it ended well and without a complaint. */
  print(code: string): Promise<string>;
  /** The value of a Python expression. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a value is untyped until it is asserted
  value(expression: string): Promise<any>;
  /** Name of attempt → refusal; `attempts` is the inside of a Python dict of functions. */
  refusals(attempts: string): Promise<Record<string, string>>;
}

export async function createAttacker(): Promise<Attacker> {
  const sandbox = await createSandbox();
  const print = async (code: string) => {
    const { outcome, stdout, stderr, error } = await sandbox.run(code);
    if (outcome !== 'ok' || stderr !== '')
      throw new Error(`the code ended as ${outcome}: ${stderr} ${JSON.stringify(error)}`);
    return stdout;
  };
  const value = async (expression: string) =>
    JSON.parse(await print(`print(json.dumps(${expression}))`));
  await print(TOOLS);
  return {
    ...sandbox,
    print,
    value,
    refusals: (attempts) =>
      value(`{name: refusal(attempt) for name, attempt in {${attempts}}.items()}`),
  };
}

/** The same refusal for each name. */
export const all = (names: readonly string[], refusal: string) =>
  Object.fromEntries(names.map((name) => [name, refusal]));
