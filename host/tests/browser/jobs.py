"""Jobs are cancelled while they run and while they wait, and the list of jobs tells it."""

import time

from checks import expect, until

RENDERERS = ["canvas"]


def submit(page, seeds):
    """Queues long jobs with the button."""
    texture = page.node("gpstoken.TextureDiffusion")
    page.set(texture, "steps", 2000)
    for seed in seeds:
        page.set(texture, "seed", seed)
        page.press_run()
        page.tab.wait_for_timeout(150)


def counts(site):
    queue = site.server.get("/queue")
    return len(queue["queue_running"]), len(queue["queue_pending"])


def waiting(site):
    page = site.open("/?template=generate-from-layout")
    until(lambda: len(page.nodes()) > 5, "expected the graph of the link to open")
    submit(page, range(900, 908))
    running, pending = until(lambda: (c := counts(site))[0] > 0 and c[1] > 0 and c, "expected jobs that run and jobs that wait")
    expect(running + pending == 8, f"expected 8 jobs, got {running} that run and {pending} that wait")
    until(lambda: "active" in page.tab.get_by_test_id("queue-overlay-toggle").inner_text(), "expected the page to count active jobs")
    page.tab.wait_for_timeout(500)
    if not page.has("job-assets-list"):
        page.tab.get_by_test_id("queue-overlay-toggle").click()
    page.tab.get_by_test_id("job-assets-list").wait_for()
    site.shot("jobs")
    row = page.tab.get_by_test_id("job-assets-list").get_by_text("In queue").first
    row.hover()
    page.tab.wait_for_timeout(200)
    buttons = page.tab.get_by_test_id("job-assets-list").get_by_role("button")
    names = [b.get_attribute("aria-label") or b.inner_text() for b in buttons.all() if b.is_visible()]
    cancel = page.tab.get_by_test_id("job-assets-list").get_by_role("button", name="Cancel").first
    expect(cancel.count(), f"expected a button that cancels a waiting job, got {names}")
    cancel.click()
    until(lambda: counts(site)[1] == pending - 1, lambda: f"expected {pending - 1} jobs to wait, got {counts(site)}")
    return f"{running} at once"


def clear(site):
    page = site.page
    site.gone = [job[1] for job in site.server.get("/queue")["queue_pending"]]
    page.tab.get_by_role("button", name="Clear queued").first.click()
    until(lambda: counts(site)[1] == 0, lambda: f"expected no job to wait, got {counts(site)}")
    for job in site.gone:
        status, body = site.server.request(f"/api/jobs/{job}")[0::2]
        expect(status == 404 or b'"cancelled"' in body, f"expected a cancelled job, got {status} {body[:200]}")


def running(site):
    page = site.page
    mark = page.mark()
    jobs = [job[1] for job in site.server.get("/queue")["queue_running"]]
    expect(jobs, "expected a job that runs, got none")
    start = time.monotonic()
    for _ in jobs:
        page.tab.get_by_role("button", name="Cancel current run").first.click()
        page.tab.wait_for_timeout(200)
    until(lambda: counts(site) == (0, 0), lambda: f"expected no job, got {counts(site)}", 10)
    took = time.monotonic() - start
    expect(page.since(mark, "execution_interrupted"), "expected `execution_interrupted`, got none")
    until(lambda: all(site.server.get(f"/api/jobs/{job}")["status"] == "cancelled" for job in jobs), "expected the jobs to be cancelled")
    until(lambda: "0 active" in page.tab.get_by_test_id("queue-overlay-toggle").inner_text(), "expected the page to count no active job")
    site.shot("cancelled")
    return f"{took:.1f} s"


def again(site):
    page = site.page
    page.set(page.node("gpstoken.TextureDiffusion"), "steps", 20)
    page.run()


CHECKS = [
    ("a waiting job is cancelled", waiting),
    ("all waiting jobs are cleared", clear),
    ("running jobs are cancelled", running),
    ("the next job runs", again),
]
