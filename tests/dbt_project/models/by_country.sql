select country, sum(spent) as spent
from {{ ref('valued') }}
group by country
