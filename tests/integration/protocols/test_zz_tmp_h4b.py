import os, time
from collections import Counter
from pathlib import Path
import polars as pl, orjson
from connectors.contract import load_contracts, resolve_server
from connectors.conform import Conformer
from connectors.protocols import open_extraction
from connectors.protocols.base import Pull
from connectors.protocols.webhook import Receiver
from simulator.faults import Faults
from simulator.town import Town
from simulator.upstreams import Upstreams, TOPICS, REPORTS
from simulator.files import Files
from simulator.servers.sftp import SftpServer
from simulator.servers.mqtt import MqttBroker
from simulator.servers.webhook import WebhookPusher
from simulator.servers.gb28181 import Gb28181Platform

def test_all(fresh_database, tmp_path, monkeypatch):
    scale=float(os.environ.get("SC","0.02"))
    t=time.time(); town=Town.open(tmp_path/"sim",scale,1); print("town",round(time.time()-t,1))
    faults=Faults(); cs=load_contracts()
    rc=Receiver(0,cs); rc.start()
    sftp=SftpServer(tmp_path/"sftp",faults); mq=MqttBroker(faults); wh=WebhookPusher(faults,rc.url); gb=Gb28181Platform(town.served,faults)
    for s in (sftp,mq,wh,gb):
        s.start()
        for k,v in s.environment().items(): monkeypatch.setenv(k,v)
    u=Upstreams.__new__(Upstreams); u._town=town;u._faults=faults;u._files=Files(sftp,faults);u._pusher=wh;u._broker=mq
    t=time.time(); u._publish(town.now()); print("publish",round(time.time()-t,1), "mq pending",mq.pending)
    t=time.time()
    while wh.pending: time.sleep(.01)
    print("webhook",round(time.time()-t,1), wh.refused)
    for c in cs.values():
        for st in c.streams.values():
            srv=c.server_of(st)
            if srv.protocol not in("sftp","mqtt","webhook","gb28181"): continue
            served=town.served(c.id,st.name)
            r=resolve_server(srv); t=time.time(); pages=[]
            with open_extraction(Pull(st,r)) as e: pages=list(e.pages()); state=e.state
            dt=time.time()-t
            conf=Conformer(st,r); t=time.time()
            out=[conf(p.frame) for p in pages]
            rows=sum(p.frame.height for p in pages)+sum(len(p.bad) for p in pages)
            rej=sum(o.rejected.height for o in out); bad=Counter(b.reason for p in pages for b in p.bad)
            print(f"{c.id}.{st.name}: {r.protocol} served {served.frame.height} got {rows} bad {dict(bad)} rejected {rej} {rows/dt:.0f} rows/s conform {time.time()-t:.2f}s complete {e.complete} dropped {state.get('total_rows_dropped')}")
            oc=Counter()
            for o in out: oc.update({k:v for k,v in o.outcomes.items()})
            print("    outcomes",dict(oc)); print("    planted",dict(Counter(zip(served.defects['column'],served.defects['kind']))))
            with open_extraction(Pull(st,r,state=state)) as e: again=list(e.pages())
            assert again==[] or r.protocol=="gb28181"
    for s in (sftp,mq,wh,gb): s.stop()
    rc.stop()
