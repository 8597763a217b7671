"""Find the size of a student that is worth it, teach it, and teach it again from all data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import NormalForm
from distill.run.budget import Stop, jobs_of
from distill.run.workers import blocks
from distill.simplify.course import Course, step_price
from distill.simplify.exam import Exam, Mark, make_exam
from distill.simplify.front import Simplified
from distill.simplify.layers import Layers
from distill.simplify.lesson import Lesson, make_lesson
from distill.simplify.reading import Reading
from distill.simplify.real import real_layers, real_run
from distill.simplify.scales import feature_scales
from distill.simplify.student import Student, student_form, without_dead_units
from distill.simplify.training import Tick, Training, results
from distill.simplify.whole import whole_students

Array = NDArray[np.float64]
Bits = Callable[[NormalForm], float]
Hidden = tuple[int, ...]

HIDDEN: tuple[Hidden, ...] = ((), (2,), (4,), (8,), (16,), (32,), (48,))
"""Hidden widths that are tried, smallest first."""
_POINTS = 30_000
_STAGES = 7
_HELD_BACK = 3
_SCALED_FEATURE_BITS = 37.0
_WORTH_GROWING = 0.9
_SHARE_OF_A_COURSE = 0.35
_SHARE_OF_SIZES = 0.3


@dataclass(frozen=True, eq=False)
class School:
    """What stays the same while students of one network are taught from the rows `x` (n, d)."""

    form: NormalForm
    x: Array
    reading: Reading
    seed: int
    steps: int
    bits: Bits
    tick: Callable[[int], None]
    stop: Stop | None = None

    @property
    def parts(self) -> tuple[Array, Array]:
        """Rows to teach from and a third held back."""
        order = np.random.default_rng(self.seed).permutation(len(self.x))
        cut = len(self.x) // _HELD_BACK
        return self.x[order[cut:]], self.x[order[:cut]]


@dataclass(frozen=True, eq=False)
class _Class:
    """Rows that students are taught from, as a lesson, with the courses' lengths."""

    school: School
    x: Array
    lesson: Lesson
    scale: Array

    def course(self, share: float) -> Course:
        steps = int(self.school.steps * share)
        whole = int(0.7 * steps / _STAGES)
        cost = _SCALED_FEATURE_BITS if (self.scale != 1).any() else 0.0
        return Course(max(steps - whole * _STAGES, 1), _STAGES, max(whole, 1), feature_bits=cost)

    def students(self, hidden: Hidden, course: Course) -> Training[Student]:
        """Students of one size, one for each stage of the course."""
        seed = self.school.seed

        def make(tick: Tick) -> Iterator[Student]:
            layers = real_layers(self.lesson, hidden, course.float_steps, seed, tick)
            yield from whole_students(self.lesson, layers, self.scale, course, seed, tick)

        return Training(step_price(self.lesson.widths, hidden), course.total, make)

    def real(self, hidden: Hidden, steps: int) -> Training[Layers]:
        """Layers of one size with real weights."""

        def make(tick: Tick) -> Iterator[Layers]:
            yield real_layers(self.lesson, hidden, steps, self.school.seed, tick)

        return Training(step_price(self.lesson.widths, hidden), steps, make)


def teach(school: School, found: list[Simplified]) -> None:
    """Append to `found` students of the sizes that are worth it; those taught again replace them.

    Raises: Stopped (by `school.tick` or for want of steps), with what was finished so far in
        `found`.
    """
    fit, held_back = school.parts
    rng = np.random.default_rng(school.seed)
    exam = make_exam(school.form.run, held_back, school.reading, rng)
    part, whole = _class(school, fit), _class(school, school.x)
    sizes = worthwhile(part, exam)
    share = _SHARE_OF_A_COURSE / len(sizes)
    trainings = [room.students(h, room.course(share)) for room in (part, whole) for h in sizes]
    made = results(trainings, school.stop, school.tick)
    for students in islice(made, len(sizes)):
        for student in students:
            found.append(_simplified(part, student, exam.mark(student.run), ""))
    place = 0
    for students in made:
        for student in students:
            mark = found[place].mark
            if exam.mark(student.run).near <= mark.near:
                found[place] = _simplified(whole, student, mark, ", taught again from all rows")
            place += 1


def _class(school: School, x: Array) -> _Class:
    scale = feature_scales(school.x)
    rng = np.random.default_rng(school.seed)
    return _Class(
        school, x, make_lesson(school.form.run, x, scale, school.reading, _POINTS, rng), scale
    )


def worthwhile(room: _Class, exam: Exam) -> tuple[Hidden, ...]:
    """The smallest size no worse than the best, and the next larger one.

    Sizes are tried, briefly and with real weights, until growing helps no more.
    """
    steps = max(int(room.school.steps * _SHARE_OF_SIZES / len(HIDDEN)), 1)
    marks: list[Mark] = []
    for layers in _tried(room, steps):
        marks.append(exam.mark(real_run(room.lesson, layers, room.scale)))
        if len(marks) > 2 and marks[-1].near > _WORTH_GROWING * marks[-2].near:
            break
    best = min(marks, key=lambda m: m.near)
    enough = next(i for i, m in enumerate(marks) if m.no_worse(best))
    return HIDDEN[enough : enough + 2]


def _tried(room: _Class, steps: int) -> Iterator[Layers]:
    """Layers of ever larger sizes; as many ahead as jobs allow, paid for when they are read."""
    school = room.school
    for ahead in blocks(len(HIDDEN), jobs_of(school.stop)):
        trainings = [room.real(hidden, steps) for hidden in HIDDEN[ahead]]
        for layers in results(trainings, school.stop, school.tick):
            yield from layers


def _simplified(room: _Class, student: Student, mark: Mark, note: str) -> Simplified:
    school = room.school
    form = student_form(student, school.bits)
    wrong = school.reading.disagree(form.run(room.x), school.form.run(room.x))
    small = without_dead_units(student)
    units = " and ".join(str(width) for width in small.hidden) or "no"
    text = f"{units} hidden units on {small.features} inputs, whole weights{note}"
    return Simplified(
        form,
        school.bits(form),
        1.0 - float(wrong.mean()),
        mark,
        text,
    )
