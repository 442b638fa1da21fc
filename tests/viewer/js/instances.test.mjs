import assert from "node:assert/strict";
import { test } from "node:test";
import * as instances from "../../../seg_widgets/viewer/static/canvas/instances.js";
import { header, maskOf } from "./helpers.mjs";

test("the threshold is met as float32, as in Python", () => {
  const scores = [0.1, 0.3, 0.7].map(Math.fround);
  const all = { ...header, scores, classIds: [2, 2, 2] };
  for (const [index, threshold] of [0.1, 0.3, 0.7].entries()) {
    assert.deepEqual(instances.visibleInstances(all, { threshold }), [0, 1, 2].slice(index));
  }
});

test("hidden classes and hidden instances are not shown", () => {
  const shown = (state) => instances.visibleInstances(header, { threshold: 0, ...state });
  assert.deepEqual(shown({}), [0, 1, 2]);
  assert.deepEqual(shown({ hiddenClasses: ["person", "unknown"] }), [1]);
  assert.deepEqual(shown({ hiddenInstances: [0, 7] }), [1, 2]);
});

test("a class's own threshold stands in place of the common one, lower or higher", () => {
  const shown = (state) => instances.visibleInstances(header, { threshold: 0.5, ...state });
  assert.deepEqual(shown({ classThresholds: { person: 0.31 } }), [0, 1, 2]);
  assert.deepEqual(shown({ classThresholds: { person: 0.95 } }), [1]);
  assert.deepEqual(shown({ classThresholds: { animal: 0.51, unknown: 0 } }), [0]);
  assert.deepEqual(shown({ classThresholds: { person: 0 }, hiddenClasses: ["person"] }), [1]);
  const hidden = { threshold: 0.5, hiddenInstances: [0] };
  assert.deepEqual(instances.aboveThreshold(header, hidden), [0, 1]);
});

test("instances are sorted by score, area or class; equal ones by their score", () => {
  const sort = (by, descending) => instances.sortInstances(header, [0, 1, 2], by, descending);
  assert.deepEqual(sort("score", true), [0, 1, 2]);
  assert.deepEqual(sort("score", false), [2, 1, 0]);
  assert.deepEqual(sort("area", false), [2, 1, 0]);
  assert.deepEqual(sort("class", false), [1, 0, 2]);
  assert.deepEqual(sort("class", true), [0, 2, 1]);
  assert.deepEqual(sort("index", false), [0, 1, 2]);
  assert.deepEqual(sort("index", true), [2, 1, 0]);
});

test("the pointer finds the smallest shown instance, by pixel", () => {
  const scene = {
    header,
    masks: [
      maskOf(Array(20).fill("#".repeat(20))),
      maskOf(["##", "##"], 5, 5),
      maskOf(["#"], 5, 5),
    ],
  };
  assert.equal(instances.instanceAt(scene, [0, 1, 2], 5, 5), 2);
  assert.equal(instances.instanceAt(scene, [0, 1], 5, 5), 1);
  assert.equal(instances.instanceAt(scene, [0, 1, 2], 6, 6), 1);
  assert.equal(instances.instanceAt(scene, [1, 2], 8, 8), null);
});

test("classes are counted and said in words", () => {
  const rows = instances.countClasses(header, [0, 1]);
  assert.deepEqual(
    rows.map((row) => [row.name, row.shown, row.total]),
    [
      ["person", 1, 2],
      ["animal", 1, 1],
    ],
  );
  const many = { ...header, scores: [0.3, 0.6, 0.3, 0.2], classIds: [2, 5, 2, 2] };
  assert.deepEqual(
    instances.countClasses(many, []).map((row) => [row.name, row.total]),
    [
      ["animal", 1],
      ["person", 3],
    ],
  );
  assert.equal(instances.summarize(header, [0, 1]), "2 of 3 instances shown: 1 person, 1 animal");
  assert.equal(instances.summarize(header, []), "0 of 3 instances shown");
  assert.equal(
    instances.summarize({ ...header, scores: [0.4], classIds: [5] }, [0]),
    "1 of 1 instance shown: 1 animal",
  );
  assert.equal(
    instances.summarize({ ...header, scores: [], classIds: [] }, []),
    "No objects found",
  );
});

test("nothing to show is explained, and what helps does help", () => {
  const explain = (state) =>
    instances.explainNothing(header, instances.visibleInstances(header, state), state);
  assert.equal(explain({ threshold: 0.5 }), null);
  const low = explain({ threshold: 0.95 });
  assert.equal(low.text, "Nothing above 0.95; best is 0.90.");
  assert.equal(instances.visibleInstances(header, { threshold: low.change.threshold }).length, 1);
  const hidden = explain({ threshold: 0.5, hiddenClasses: ["person", "animal"] });
  assert.equal(hidden.text, "All 2 instances are hidden.");
  assert.deepEqual(hidden.change, { hidden_classes: [], hidden_instances: [] });
  assert.equal(
    explain({ threshold: 0.6, hiddenInstances: [0] }).text,
    "The one instance is hidden.",
  );
  const own = explain({ threshold: 0.5, classThresholds: { person: 0.95, animal: 0.95 } });
  assert.equal(own.text, "Nothing meets the threshold of its own class.");
  assert.deepEqual(own.change, { class_thresholds: {} });
  const both = explain({ threshold: 0.95, classThresholds: { person: 0.99 } });
  assert.deepEqual(both.change, {
    threshold: 0.89,
    hidden_classes: [],
    hidden_instances: [],
    class_thresholds: {},
  });
  const none = { ...header, scores: [], classIds: [] };
  assert.equal(instances.explainNothing(none, [], { threshold: 0.5 }).button, null);
});

test("arrow keys step from the best score on, around the ends", () => {
  const step = (current, by) => instances.stepInstance(header, [2, 0, 1], current, by);
  assert.deepEqual(
    [step(null, 1), step(0, 1), step(1, 1), step(2, 1), step(0, -1), step(null, -1)],
    [0, 1, 2, 0, 2, 2],
  );
  assert.equal(instances.stepInstance(header, [], null, 1), null);
});

test("an instance is described in words", () => {
  const facts = instances.describeInstance(header, 0);
  assert.deepEqual(facts, {
    name: "person",
    score: "0.90",
    area: "400 px (8.0 %)",
    share: "8.0 %",
    box: "0, 0 – 20, 20",
  });
  assert.equal(instances.describeInstance(header, 2).area, "1 px (< 0.1 %)");
  const partial = { ...header, hasMasks: true, crops: header.scores.map(() => null) };
  const { area, share, box } = instances.describeInstance(partial, 0);
  assert.deepEqual([area, share, box], ["…", "…", "0, 0 – 20, 20"]);
});

test("classes are found by parts of their names", () => {
  const classes = ["baseball_bat", "Baseball glove", "bat", "Äpfel"].map((name) => ({ name }));
  const found = (text) => instances.findClasses(classes, text).map(({ name }) => name);
  assert.deepEqual(
    found(""),
    classes.map(({ name }) => name),
  );
  assert.deepEqual(found("  BASE "), ["baseball_bat", "Baseball glove"]);
  assert.deepEqual(found("bat base"), ["baseball_bat"]);
  assert.deepEqual(found("baseball_g"), ["Baseball glove"]);
  assert.deepEqual(found("äpf"), ["Äpfel"]);
  assert.deepEqual(found("zebra"), []);
});
