"""Live telemetry: samples as they come, decided as they come, and the same as if they had been scored afterwards.

Who owns what
-------------
- A feed (`feeds/`) owns its connection. It turns what arrives into a `Delivery` of samples and puts it into the intake.
  It acknowledges to its source only when the delivery tells it that its samples are stored.
- The intake (`intake`) owns the queue. It holds a bounded number of samples; where it is full, feeds wait, and their
  sources with them.
- The ingest thread (`ingest`) owns the admission of samples (`admission`) and the journal's (`journal`) inflow: one
  transaction for 250 ms or 1,000 samples, then the acknowledgements. It watches limits and envelopes (`watches`), which
  only say that a channel is due at once. What has come before of a channel is read after its first sample is stored,
  a channel after the other, so that a thousand that begin together do not wait for each other.
- The detection thread (`detection`) owns the archive, scores and alerts. It takes samples out of the journal into the
  archive (`filing`), scores where an error window has become complete or a watch has said so, and raises alerts. What
  it decides comes from the archive alone, by the code that scores and raises afterwards: this is why live results are
  the same.
- Previews (`preview`) hold the end of each channel in memory and judge a complete error window before it is filed: only
  where an anomaly may have changed is the channel due at once. They decide nothing either. Those of networks predict
  ahead, sample by sample, while there is nothing else to do; the scoring of the same samples takes their predictions.
- Silences (`silences`) raise alerts, in the detection thread, for channels and sources from which nothing comes, and
  for clocks that are wrong; they close by themselves.
- The journal (`live.db` in the home) owns every sample between its acknowledgement and the archive, all counters, and
  what was refused: late samples, contradictions, and those in quarantine.
- The service (`service`) owns the lock of the home, the threads and the page of health and metrics (`pages`).

What happens on each fault
--------------------------
- The process is killed: what was acknowledged is in the journal or in the archive. On the next start it is filed,
  scored and examined again, which changes nothing that was done before; what was not acknowledged is sent again by its
  source, and what was stored of it already counts as a duplicate.
- Killed between filing and clearing the journal: samples that the archive holds already are equal, and are dropped.
- A second service on the same home: it is refused, with the process that holds the lock.
- The disk is full, or the journal cannot be written: nothing is acknowledged, the same transaction is tried again each
  second, and health says so.
- The archive or a database cannot be used: samples go on being acknowledged into the journal; filing is tried again.
- A channel is damaged: it is left out and told of, the others go on; what comes of it is kept until it is mended.
- A channel is removed: it becomes a tag again, as a new one. A tag whose channel is imported meanwhile goes on in it.
- Others write a channel while it is filed: it is filed anew; what contradicts them or does not fit is kept beside it.
- Scores or alerts cannot be written: the same channels are judged again every five seconds.
- Samples come faster than they are decided on: each scoring covers more of them. Samples are never shed.
- Nothing can be scored, or a channel cannot: the file of the service's standing says so, and dashboards call its scores
  out of date; they are called current while the service scores new telemetry within seconds.
- The queue is full: nothing is taken from the sources until there is room; HTTP answers 503.
- A payload cannot be read: it is counted, told of once an hour with an example, and acknowledged, as it would never be
  better.
- Same moment, same value: a duplicate, ignored. Same moment, other value: a contradiction, kept beside what is there.
- Late: within `late_s` and before it is final, a sample is sorted in; later it is kept, and never inserted.
- A clock that jumps: a sample more than `ahead_s` ahead of its channel or behind it is put in quarantine. Where
  `confirm_samples` in a row go on from a jump ahead it was a gap, and they are taken in. The clock of this machine
  decides nothing.
- A broker or source is gone: the feed tries again, ever more seldom, health says so, and after `gone_s` an alert.
- A channel becomes silent: an alert after `stale_s`, with its last sample; one for its source where all are silent.
- A message of Sparkplug B is missing: nothing is read from its edge node until a new birth, which it is asked for.
- The first samples of a new tag have a wrong clock: they are in quarantine once `confirm_samples` others have gone on
  from behind them.
"""
