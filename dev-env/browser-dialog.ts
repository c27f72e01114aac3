import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestBrowser, waitUntil } from './browser.ts';

/**
 * What a test browser is started with for its own dialogs to be reachable, without a window too: Chromium's inspector of
 * its own surface, on a port that it writes into the profile (decision 0172).
 */
export const dialogFlags = [
  '--enable-ui-devtools=0',
  '--enable-features=ui-debug-tools-enable-synthetic-events',
];

/** A part of Chromium's own surface, as its inspector tells it. */
interface Surface {
  readonly nodeId: number;
  /** Names and values in turn: `class`, `MdTextButton`. */
  readonly attributes?: readonly string[];
  readonly children?: readonly Surface[];
}

/** Waits for the dialog in which Chromium asks whether to add an extension, and presses "Add extension". */
export async function addExtension(browser: TestBrowser): Promise<void> {
  let inspector: Inspector | undefined;
  await waitUntil('the inspector of the surface', async () => {
    inspector = await Inspector.open(await readFile(join(browser.profile, 'UIDevToolsActivePort'), 'utf8'));
    return true;
  });
  if (inspector === undefined) return;
  using open = inspector;
  let asked = false;
  await waitUntil('the dialog, and its end', async () => {
    const dialog = partsOf(await open.surface(), 'ExtensionInstallDialogView')[0];
    asked ||= dialog !== undefined;
    // "Cancel" stands first on Linux and macOS. A press too soon after the dialog came is ignored, so it is repeated.
    const add = dialog && partsOf(dialog, 'MdTextButton')[1];
    if (add !== undefined) await open.press(add);
    return asked && dialog === undefined;
  });
}

function partsOf(surface: Surface, name: string): readonly Surface[] {
  const inside = (surface.children ?? []).flatMap((child) => partsOf(child, name));
  return surface.attributes?.includes(name) === true ? [surface, ...inside] : inside;
}

/** A connection to the inspector, which speaks the DevTools protocol about views in place of elements. */
class Inspector implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id: number; result?: unknown };
      this.#waiting.get(id)?.(result);
    });
  }

  static async open(port: string): Promise<Inspector> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/0`);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Inspector(socket);
  }

  async surface(): Promise<Surface> {
    return ((await this.#call('DOM.getDocument')) as { root: Surface }).root;
  }

  async press({ nodeId }: Surface): Promise<void> {
    for (const type of ['mousePressed', 'mouseReleased']) {
      const event = { type, x: 8, y: 8, button: 'left', wheelDirection: 'none' };
      await this.#call('DOM.dispatchMouseEvent', { nodeId, event });
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #call(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
