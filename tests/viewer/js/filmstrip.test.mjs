import assert from "node:assert/strict";
import { test } from "node:test";
import * as film from "../../../seg_widgets/viewer/static/filmstrip.js";

const items = [{ number: 3 }, { number: 5 }, { number: 9 }];

test("an image is described by its name, its state and its result", () => {
  const describe = (settings) =>
    film.describeItem({ name: "a.jpg", note: "", error: "", ...settings });
  assert.equal(describe({ state: "done", note: "7 instances" }), "a.jpg, 7 instances");
  assert.equal(describe({ state: "waiting" }), "a.jpg, waiting");
  assert.equal(describe({ state: "busy" }), "a.jpg, being segmented");
  assert.equal(
    describe({ state: "failed", error: "It is a text." }),
    "a.jpg, failed: It is a text.",
  );
  assert.equal(describe({ state: "done", name: "" }), "Image");
});

test("arrows step through the images and stop at the ends", () => {
  const step = (number, key) => film.stepItem(items, number, key);
  assert.deepEqual([step(3, "ArrowRight"), step(5, "ArrowDown"), step(9, "ArrowRight")], [5, 9, 9]);
  assert.deepEqual(
    [step(9, "ArrowLeft"), step(3, "ArrowUp"), step(9, "Home"), step(3, "End")],
    [5, 3, 3, 9],
  );
  assert.equal(step(3, "x"), null);
  assert.equal(film.stepItem([], null, "End"), null);
});

test("a result says which model made it", () => {
  const item = { number: 1, name: "a.jpg", state: "done", note: "2 instances", error: "" };
  assert.equal(film.describeItem({ ...item, model: "starter" }), "a.jpg, 2 instances, by starter");
  assert.equal(film.describeItem(item), "a.jpg, 2 instances");
});

test("what is listed and not here in that version is missing", () => {
  const state = {
    images: [
      [1, 4],
      [2, 5],
      [3, 8],
      [4, 9],
    ],
    item_1: { number: 1, version: 4, thumb: 2 },
    thumb_1: { version: 2 },
    item_2: { number: 2, version: 3, thumb: 0 },
    item_3: { number: 3, version: 8, thumb: 7 },
    thumb_3: null,
    item_4: null,
  };
  const { items, missing } = film.listedItems({ get: (name) => state[name] });
  assert.deepEqual(
    items.map((item) => item.number),
    [1, 2, 3],
  );
  assert.deepEqual(
    [...missing],
    [
      [2, 5],
      [3, 8],
      [4, 9],
    ],
  );
});
