/**
 * What the page's scripts know of elements and events, and the standard types do not: an element that is asked for by
 * a selector is of the kind that the document says.
 */

interface EventTarget {
  matches(selectors: string): boolean;
  closest(selectors: string): any;
}

interface Element {
  dataset: DOMStringMap;
  hidden: boolean;
  style: CSSStyleDeclaration;
  value: any;
  size: any;
  cells: HTMLCollectionOf<HTMLTableCellElement>;
  focus(options?: FocusOptions): void;
  select(): void;
}

interface Event {
  detail: any;
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}
