// What the checks need of a browser, however it is driven. Each engine has an implementation beside this file.

/** A browser, started once for all checks. */
export interface Engine {
  /** A visitor with no cookies. `script: false` is a browser with JavaScript switched off. */
  visitor(options: { script: boolean }): Promise<Visitor>;
  close(): Promise<void>;
}

/** Tabs that share their cookies with one another and with nobody else. */
export interface Visitor {
  tab(): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  /** Loads an address and waits until it is loaded. */
  goto(url: string): Promise<void>;
  /** Goes back in the history. */
  back(): Promise<void>;
  /** Clicks where the element is, as a pointer does. Fails if there is none or another one covers it. */
  click(selector: string): Promise<void>;
  /** The value of an expression in the page, which must survive JSON. Works with JavaScript switched off, too. */
  evaluate<T>(expression: string): Promise<T>;
}

/** The middle of an element, scrolled into view; an expression for `evaluate`. */
export const middle = (selector: string) => `(() => {
  const element = document.querySelector(${JSON.stringify(selector)});
  if (!element) throw new Error('nothing matches ' + ${JSON.stringify(selector)});
  element.scrollIntoView({ block: 'center', behavior: 'instant' });
  const { x, y, width, height } = element.getBoundingClientRect();
  const at = { x: x + width / 2, y: y + height / 2 };
  if (!element.contains(document.elementFromPoint(at.x, at.y))) throw new Error(${JSON.stringify(selector)} + ' can\\'t be clicked');
  return at;
})()`;
